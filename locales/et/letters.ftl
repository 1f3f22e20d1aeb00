# Letters in Estonian. The variables are listed in src/locale.rs.
# A variable stands on a line of its own after a label, because nothing can inflect it.

-greeting = Lugupeetud adressaat

-footer = See teade on koostatud automaatselt. Palume sellele kirjale mitte vastata.

facts =
    Andmekogu: { $register }
    Number: { $number }
    Õiguslik alus: { $clause }

# Where the value is "none", there is no line.
due-line = { $due ->
    [none] { "" }
   *[other] { "\u000A" }Tähtaeg: { $due }
}

open =
    Täpsema teabe leiate andmekogust:
    { $link }

case-opened-subject = Algatatud on uus menetlus nr { $number }
case-opened-body =
    { -greeting }

    Anname teada, et algatatud on menetlus, milles Te olete menetlusosaline.

    { facts }
    Menetluse liik: { $case_kind }{ due-line }

    { open }

    { -footer }

case-message-subject = Uus teade menetluses nr { $number }
case-message-body =
    { -greeting }

    Menetluses, milles Te olete menetlusosaline, on Teile uus teade. Teate sisu me e-kirjaga ei saada, kuid saate seda lugeda andmekogus.

    { facts }

    { open }

    { -footer }

case-decided-subject = Otsus menetluses nr { $number }
case-decided-body =
    { -greeting }

    Menetluses, milles Te olete menetlusosaline, on tehtud otsus.

    { facts }

    Otsus:
    { $decision }

    Vaidlustamisviide:
    { $remedies }

    { open }

    { -footer }

case-due-soon-subject = Menetluse nr { $number } tähtaeg läheneb
case-due-soon-body =
    { -greeting }

    Tuletame meelde, et menetluse tähtaeg on peagi käes. Palume Teil teha vajalikud toimingud tähtajaks.

    { facts }{ due-line }

    { open }

    { -footer }

case-overdue-subject = Menetluse nr { $number } tähtaeg on möödunud
case-overdue-body =
    { -greeting }

    Menetluse tähtaeg on möödunud, kuid vajalik toiming on tegemata. Palume Teil teha see viivitamata.

    { facts }{ due-line }

    { open }

    { -footer }

incident-subject = KIIRE: intsident nr { $number }
incident-body =
    { -greeting }

    Registreeritud on intsident, mis nõuab Teie viivitamatut tegutsemist. Palume Teil avada intsidendi andmed kohe ja teha vajalikud toimingud.

    { facts }{ due-line }

    { open }

    { -footer }

prescription-forwarded-subject = Teile on edastatud ettekirjutus nr { $number }
prescription-forwarded-body =
    { -greeting }

    Teile on edastatud andmekogu kohta tehtud ettekirjutus. Palume Teil ettekirjutusega tutvuda ja see täita.

    { facts }{ due-line }

    { open }

    { -footer }

disclosure-decided-subject = Otsus andmete väljastamise taotluse nr { $number } kohta
disclosure-decided-body =
    { -greeting }

    { $outcome ->
        [granted] Teie taotlus andmete väljastamiseks on rahuldatud.
        [partly] Teie taotlus andmete väljastamiseks on rahuldatud osaliselt.
        [refused] Teie taotlus andmete väljastamiseks on jäetud rahuldamata.
       *[other] Teie taotluse kohta andmete väljastamiseks on tehtud otsus.
    } Otsuse põhjendustega saate tutvuda andmekogus.

    { facts }

    Vaidlustamisviide:
    { $remedies }

    { open }

    { -footer }

disclosure-released-subject = Taotletud andmed on väljastatud, taotlus nr { $number }
disclosure-released-body =
    { -greeting }

    Taotletud andmed on Teile väljastatud. Andmeid me e-kirjaga ei saada, kuid saate need kätte andmekogust. Palume Teil kasutada andmeid ainult taotluses märgitud eesmärgil.

    { facts }

    { open }

    { -footer }

value-corrected-subject = Teile väljastatud andmeid on parandatud, väljastus nr { $number }
value-corrected-body =
    { -greeting }

    Andmetes, mis Teile allpool märgitud numbri all väljastati, oli viga. Andmekogus on viga parandatud.

    { facts }
    Väljastamise kuupäev: { $released_on }
    Parandatud andmekoosseis: { $fields }

    Palume Teil parandada need andmed ka enda juures ja teavitada parandusest neid, kellele Te olete andmed edasi andnud. Õiged andmed leiate andmekogust.

    { open }

    { -footer }

access-ends-subject = Juurdepääsuõigused tuleb lõpetada, kanne nr { $number }
access-ends-body =
    { -greeting }

    Andmekogu kasutaja teenistus- või töösuhe lõpeb, mistõttu tuleb lõpetada ka tema juurdepääsuõigused. Palume Teil teha seda tähtajaks.

    { facts }{ due-line }

    { open }

    { -footer }

access-overdue-subject = Juurdepääsuõigused on tähtajaks lõpetamata, kanne nr { $number }
access-overdue-body =
    { -greeting }

    Juurdepääsuõiguste lõpetamise tähtaeg on möödunud, kuid õigused kehtivad endiselt. Palume Teil need viivitamata lõpetada.

    { facts }{ due-line }

    { open }

    { -footer }

recertification-due-subject = Juurdepääsuõigused tuleb üle vaadata, kanne nr { $number }
recertification-due-body =
    { -greeting }

    On aeg vaadata üle andmekogu juurdepääsuõigused. Palume Teil tähtajaks kinnitada õigused, mida on endiselt vaja, ja ülejäänud lõpetada.

    { facts }{ due-line }

    { open }

    { -footer }

application-decided-subject = Otsus taotluse nr { $number } kohta
application-decided-body =
    { -greeting }

    Teie taotluse kohta on tehtud otsus. Otsuse ja selle põhjendustega saate tutvuda andmekogus.

    { facts }

    { open }

    { -footer }

publication-waiting-subject = Avaldamine ootab kinnitamist, kanne nr { $number }
publication-waiting-body =
    { -greeting }

    Ette on valmistatud andmete avaldamine, mis ootab Teie kinnitust. Palume Teil enne kinnitamist veenduda, et avaldatavate andmete seas ei ole midagi, mida ei tohi avalikustada.

    { facts }

    { open }

    { -footer }

held-elsewhere-subject = Sama isik kahes asutuses, kanne nr { $number }
held-elsewhere-body =
    { -greeting }

    Isik, kelle kohta on Teie asutusel andmekogus kehtiv kanne, on samal ajal kantud ka teise asutuse juurde. Palume Teil kontrollida, kas Teie asutuse kanne on õige. Isiku ega teise asutuse andmeid me e-kirjaga ei saada.

    { facts }

    { open }

    { -footer }

# Not a letter: what an applicant is told of their place.
queue-place = Koht järjekorras: { $number }, kokku on järjekorras { $of }.
queue-ahead = Eespool { $count }: { $label }.
queue-first = Keegi ei ole eespool.

confirmation-opens-subject = Andmete kinnitamine on avatud, nr { $number }
confirmation-opens-body =
    { -greeting }

    Teie asutuse andmeid saab nüüd kinnitada. Palume Teil andmed üle vaadata, vead parandada ja andmete õigsus tähtajaks kinnitada.

    { facts }
    Kohustus: { $duty }
    Asutus: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-due-subject = Andmed ootavad kinnitamist, nr { $number }
confirmation-due-body =
    { -greeting }

    Tuletame meelde, et Teie asutuse andmed on kinnitamata. Palume Teil andmete õigsus tähtajaks kinnitada.

    { facts }
    Kohustus: { $duty }
    Asutus: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-overdue-subject = Andmed on tähtajaks kinnitamata, nr { $number }
confirmation-overdue-body =
    { -greeting }

    Asutus ei ole andmete õigsust tähtajaks kinnitanud.

    { facts }
    Kohustus: { $duty }
    Asutus: { $institution }{ due-line }

    { open }

    { -footer }

backup-overdue-subject = Varukoopia on hilinenud ({ $number })
backup-overdue-body =
    { -greeting }

    Andmekogust ei ole õigel ajal tehtud kontrollitud varukoopiat. Palun kontrollige, kas varundamine töötab ja kas ketast on piisavalt.

    { facts }
    Viimane kontrollitud varukoopia: { $last }

    { open }

    { -footer }
