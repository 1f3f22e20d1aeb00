# Letters in Finnish. The variables are listed in src/locale.rs.
# A variable stands on a line of its own after a label, because nothing can inflect it.

-greeting = Hyvä vastaanottaja

-footer = Tämä viesti on lähetetty automaattisesti. Pyydämme, ettette vastaa siihen.

facts =
    Rekisteri: { $register }
    Numero: { $number }
    Oikeusperusta: { $clause }

# Where the value is "none", there is no line.
due-line = { $due ->
    [none] { "" }
   *[other] { "\u000A" }Määräaika: { $due }
}

open =
    Tarkemmat tiedot löydätte rekisteristä:
    { $link }

case-opened-subject = Uusi asia nro { $number } on tullut vireille
case-opened-body =
    { -greeting }

    Ilmoitamme, että vireille on tullut asia, jossa olette asianosainen.

    { facts }
    Asian laji: { $case_kind }{ due-line }

    { open }

    { -footer }

case-message-subject = Uusi viesti asiassa nro { $number }
case-message-body =
    { -greeting }

    Teille on uusi viesti asiassa, jossa olette asianosainen. Emme lähetä viestin sisältöä sähköpostitse, vaan voitte lukea sen rekisterissä.

    { facts }

    { open }

    { -footer }

case-decided-subject = Päätös asiassa nro { $number }
case-decided-body =
    { -greeting }

    Asiassa, jossa olette asianosainen, on tehty päätös.

    { facts }

    Päätös:
    { $decision }

    Muutoksenhaku:
    { $remedies }

    { open }

    { -footer }

case-due-soon-subject = Asian nro { $number } määräaika lähestyy
case-due-soon-body =
    { -greeting }

    Muistutamme, että asian määräaika päättyy pian. Pyydämme Teitä tekemään tarvittavat toimenpiteet määräajassa.

    { facts }{ due-line }

    { open }

    { -footer }

case-overdue-subject = Asian nro { $number } määräaika on päättynyt
case-overdue-body =
    { -greeting }

    Asian määräaika on päättynyt, mutta vaadittu toimenpide on tekemättä. Pyydämme Teitä tekemään sen viipymättä.

    { facts }{ due-line }

    { open }

    { -footer }

incident-subject = KIIREELLINEN: poikkeama nro { $number }
incident-body =
    { -greeting }

    Rekisteriin on kirjattu poikkeama, joka vaatii Teiltä välittömiä toimia. Pyydämme Teitä avaamaan poikkeaman tiedot heti ja ryhtymään tarvittaviin toimenpiteisiin.

    { facts }{ due-line }

    { open }

    { -footer }

prescription-forwarded-subject = Teille on välitetty määräys nro { $number }
prescription-forwarded-body =
    { -greeting }

    Teille on välitetty rekisteriä koskeva määräys. Pyydämme Teitä tutustumaan määräykseen ja noudattamaan sitä.

    { facts }{ due-line }

    { open }

    { -footer }

disclosure-decided-subject = Päätös tietojen luovuttamista koskevaan pyyntöön nro { $number }
disclosure-decided-body =
    { -greeting }

    { $outcome ->
        [granted] Tietojen luovuttamista koskeva pyyntönne on hyväksytty.
        [partly] Tietojen luovuttamista koskeva pyyntönne on hyväksytty osittain.
        [refused] Tietojen luovuttamista koskeva pyyntönne on hylätty.
       *[other] Tietojen luovuttamista koskevaan pyyntöönne on tehty päätös.
    } Päätöksen perustelut voitte lukea rekisterissä.

    { facts }

    Muutoksenhaku:
    { $remedies }

    { open }

    { -footer }

disclosure-released-subject = Pyydetyt tiedot on luovutettu, pyyntö nro { $number }
disclosure-released-body =
    { -greeting }

    Pyytämänne tiedot on luovutettu Teille. Emme lähetä tietoja sähköpostitse, vaan voitte noutaa ne rekisteristä. Pyydämme Teitä käyttämään tietoja vain pyynnössä ilmoitettuun tarkoitukseen.

    { facts }

    { open }

    { -footer }

value-corrected-subject = Teille luovutettuja tietoja on oikaistu, luovutus nro { $number }
value-corrected-body =
    { -greeting }

    Tiedoissa, jotka luovutettiin Teille alla mainitulla numerolla, oli virhe. Virhe on oikaistu rekisterissä.

    { facts }
    Luovutuspäivä: { $released_on }
    Oikaistut tiedot: { $fields }

    Pyydämme Teitä oikaisemaan tiedot myös omissa rekistereissänne ja ilmoittamaan oikaisusta niille, joille olette luovuttaneet tiedot edelleen. Oikeat tiedot löydätte rekisteristä.

    { open }

    { -footer }

access-ends-subject = Käyttöoikeudet on poistettava, kirjaus nro { $number }
access-ends-body =
    { -greeting }

    Rekisterin käyttäjän palvelussuhde päättyy, joten myös hänen käyttöoikeutensa on poistettava. Pyydämme Teitä poistamaan ne määräaikaan mennessä.

    { facts }{ due-line }

    { open }

    { -footer }

access-overdue-subject = Käyttöoikeuksia ei ole poistettu määräajassa, kirjaus nro { $number }
access-overdue-body =
    { -greeting }

    Käyttöoikeuksien poistamisen määräaika on päättynyt, mutta oikeudet ovat edelleen voimassa. Pyydämme Teitä poistamaan ne viipymättä.

    { facts }{ due-line }

    { open }

    { -footer }

recertification-due-subject = Käyttöoikeudet on tarkistettava, kirjaus nro { $number }
recertification-due-body =
    { -greeting }

    On aika tarkistaa rekisterin käyttöoikeudet. Pyydämme Teitä vahvistamaan määräaikaan mennessä ne oikeudet, joita tarvitaan edelleen, ja poistamaan muut.

    { facts }{ due-line }

    { open }

    { -footer }

application-decided-subject = Päätös hakemukseen nro { $number }
application-decided-body =
    { -greeting }

    Hakemukseenne on tehty päätös. Päätöksen ja sen perustelut voitte lukea rekisterissä.

    { facts }

    { open }

    { -footer }

publication-waiting-subject = Julkaiseminen odottaa hyväksyntää, kirjaus nro { $number }
publication-waiting-body =
    { -greeting }

    Tietojen julkaiseminen on valmisteltu ja odottaa hyväksyntäänne. Pyydämme Teitä ennen hyväksymistä varmistamaan, ettei julkaistavissa tiedoissa ole mitään, mitä ei saa julkistaa.

    { facts }

    { open }

    { -footer }

held-elsewhere-subject = Sama henkilö kahdessa laitoksessa, merkintä nro { $number }
held-elsewhere-body =
    { -greeting }

    Henkilö, josta laitoksellanne on rekisterissä voimassa oleva merkintä, on samaan aikaan merkitty myös toiseen laitokseen. Pyydämme teitä tarkistamaan, onko laitoksenne merkintä oikea. Emme lähetä henkilön tai toisen laitoksen tietoja sähköpostitse.

    { facts }

    { open }

    { -footer }

# Not a letter: what an applicant is told of their place.
queue-place = Sija jonossa: { $number }, jonossa on yhteensä { $of }.
queue-ahead = Edellä { $count }: { $label }.
queue-first = Kukaan ei ole edellä.

confirmation-opens-subject = Tietojen vahvistaminen on auki, nro { $number }
confirmation-opens-body =
    { -greeting }

    Laitoksenne tiedot voi nyt vahvistaa. Pyydämme teitä tarkistamaan tiedot, korjaamaan virheet ja vahvistamaan tiedot määräaikaan mennessä.

    { facts }
    Velvollisuus: { $duty }
    Laitos: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-due-subject = Tiedot odottavat vahvistamista, nro { $number }
confirmation-due-body =
    { -greeting }

    Muistutamme, että laitoksenne tietoja ei ole vahvistettu. Pyydämme teitä vahvistamaan ne määräaikaan mennessä.

    { facts }
    Velvollisuus: { $duty }
    Laitos: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-overdue-subject = Tietoja ei ole vahvistettu määräajassa, nro { $number }
confirmation-overdue-body =
    { -greeting }

    Laitos ei ole vahvistanut tietojaan määräaikaan mennessä.

    { facts }
    Velvollisuus: { $duty }
    Laitos: { $institution }{ due-line }

    { open }

    { -footer }

backup-overdue-subject = Varmuuskopio on myöhässä ({ $number })
backup-overdue-body =
    { -greeting }

    Rekisteristä ei ole tehty tarkistettua varmuuskopiota ajallaan. Tarkistakaa, että varmuuskopiointi toimii ja levyllä on tilaa.

    { facts }
    Viimeisin tarkistettu varmuuskopio: { $last }

    { open }

    { -footer }
