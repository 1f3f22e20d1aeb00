# Letters in Swedish. The variables are listed in src/locale.rs.

-greeting = Bästa mottagare

-footer = Detta meddelande har skickats automatiskt. Vi ber er att inte svara på det.

facts =
    Register: { $register }
    Nummer: { $number }
    Rättslig grund: { $clause }

# Where the value is "none", there is no line.
due-line = { $due ->
    [none] { "" }
   *[other] { "\u000A" }Tidsfrist: { $due }
}

open =
    Närmare uppgifter finns i registret:
    { $link }

case-opened-subject = Ett nytt ärende nr { $number } har inletts
case-opened-body =
    { -greeting }

    Vi meddelar att ett ärende där ni är part har inletts.

    { facts }
    Typ av ärende: { $case_kind }{ due-line }

    { open }

    { -footer }

case-message-subject = Nytt meddelande i ärende nr { $number }
case-message-body =
    { -greeting }

    Ni har fått ett nytt meddelande i ett ärende där ni är part. Vi skickar inte innehållet per e-post, men ni kan läsa det i registret.

    { facts }

    { open }

    { -footer }

case-decided-subject = Beslut i ärende nr { $number }
case-decided-body =
    { -greeting }

    Ett beslut har fattats i ett ärende där ni är part.

    { facts }

    Beslut:
    { $decision }

    Ändringssökande:
    { $remedies }

    { open }

    { -footer }

case-due-soon-subject = Tidsfristen i ärende nr { $number } närmar sig
case-due-soon-body =
    { -greeting }

    Vi påminner om att tidsfristen i ärendet snart löper ut. Vi ber er vidta de åtgärder som behövs inom tidsfristen.

    { facts }{ due-line }

    { open }

    { -footer }

case-overdue-subject = Tidsfristen i ärende nr { $number } har löpt ut
case-overdue-body =
    { -greeting }

    Tidsfristen i ärendet har löpt ut, men en åtgärd som krävs har inte vidtagits. Vi ber er vidta den utan dröjsmål.

    { facts }{ due-line }

    { open }

    { -footer }

incident-subject = BRÅDSKANDE: incident nr { $number }
incident-body =
    { -greeting }

    En incident som kräver omedelbara åtgärder av er har registrerats. Vi ber er öppna incidenten genast och vidta de åtgärder som behövs.

    { facts }{ due-line }

    { open }

    { -footer }

prescription-forwarded-subject = Föreläggande nr { $number } har vidarebefordrats till er
prescription-forwarded-body =
    { -greeting }

    Ett föreläggande som gäller registret har vidarebefordrats till er. Vi ber er ta del av föreläggandet och följa det.

    { facts }{ due-line }

    { open }

    { -footer }

disclosure-decided-subject = Beslut om begäran om utlämnande av uppgifter nr { $number }
disclosure-decided-body =
    { -greeting }

    { $outcome ->
        [granted] Er begäran om utlämnande av uppgifter har bifallits.
        [partly] Er begäran om utlämnande av uppgifter har bifallits delvis.
        [refused] Er begäran om utlämnande av uppgifter har avslagits.
       *[other] Ett beslut har fattats om er begäran om utlämnande av uppgifter.
    } Motiveringen till beslutet kan ni läsa i registret.

    { facts }

    Ändringssökande:
    { $remedies }

    { open }

    { -footer }

disclosure-released-subject = De begärda uppgifterna har lämnats ut, begäran nr { $number }
disclosure-released-body =
    { -greeting }

    De uppgifter som ni har begärt har lämnats ut till er. Vi skickar inte uppgifter per e-post, men ni kan hämta dem i registret. Vi ber er använda uppgifterna endast för det ändamål som anges i begäran.

    { facts }

    { open }

    { -footer }

value-corrected-subject = Uppgifter som har lämnats ut till er har rättats, utlämnande nr { $number }
value-corrected-body =
    { -greeting }

    Det fanns ett fel i de uppgifter som lämnades ut till er under numret nedan. Felet har rättats i registret.

    { facts }
    Datum för utlämnandet: { $released_on }
    Rättade uppgifter: { $fields }

    Vi ber er rätta uppgifterna även hos er och underrätta dem som ni har lämnat uppgifterna vidare till. De rätta uppgifterna finns i registret.

    { open }

    { -footer }

access-ends-subject = Åtkomsträttigheter ska avslutas, post nr { $number }
access-ends-body =
    { -greeting }

    En användare av registret lämnar sin tjänst, och därför ska även användarens åtkomsträttigheter avslutas. Vi ber er göra det inom tidsfristen.

    { facts }{ due-line }

    { open }

    { -footer }

access-overdue-subject = Åtkomsträttigheter har inte avslutats i tid, post nr { $number }
access-overdue-body =
    { -greeting }

    Tidsfristen för att avsluta åtkomsträttigheterna har löpt ut, men rättigheterna gäller fortfarande. Vi ber er avsluta dem utan dröjsmål.

    { facts }{ due-line }

    { open }

    { -footer }

recertification-due-subject = Åtkomsträttigheterna ska ses över, post nr { $number }
recertification-due-body =
    { -greeting }

    Det är dags att se över åtkomsträttigheterna till registret. Vi ber er att inom tidsfristen bekräfta de rättigheter som fortfarande behövs och avsluta de övriga.

    { facts }{ due-line }

    { open }

    { -footer }

application-decided-subject = Beslut om ansökan nr { $number }
application-decided-body =
    { -greeting }

    Ett beslut har fattats om er ansökan. Ni kan läsa beslutet och motiveringen till det i registret.

    { facts }

    { open }

    { -footer }

publication-waiting-subject = En publicering väntar på godkännande, post nr { $number }
publication-waiting-body =
    { -greeting }

    En publicering av uppgifter har förberetts och väntar på ert godkännande. Innan ni godkänner den ber vi er försäkra er om att uppgifterna inte innehåller något som inte får offentliggöras.

    { facts }

    { open }

    { -footer }

held-elsewhere-subject = Samma person vid två inrättningar, post nr { $number }
held-elsewhere-body =
    { -greeting }

    En person som er inrättning har en gällande post om i registret är samtidigt införd vid en annan inrättning. Vi ber er kontrollera om er inrättnings post är riktig. Vi skickar inga uppgifter om personen eller den andra inrättningen per e-post.

    { facts }

    { open }

    { -footer }

# Not a letter: what an applicant is told of their place.
queue-place = Plats { $number } av { $of } i kön.
queue-ahead = Före { $count }: { $label }.
queue-first = Ingen står före.

confirmation-opens-subject = Bekräftelsen av uppgifter är öppen, nr { $number }
confirmation-opens-body =
    { -greeting }

    Er institutions uppgifter kan nu bekräftas. Vi ber er gå igenom dem, rätta fel och bekräfta uppgifterna inom den angivna tiden.

    { facts }
    Skyldighet: { $duty }
    Institution: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-due-subject = Uppgifter väntar på bekräftelse, nr { $number }
confirmation-due-body =
    { -greeting }

    Vi påminner om att er institutions uppgifter inte har bekräftats. Vi ber er bekräfta dem inom den angivna tiden.

    { facts }
    Skyldighet: { $duty }
    Institution: { $institution }{ due-line }

    { open }

    { -footer }

confirmation-overdue-subject = Uppgifter har inte bekräftats i tid, nr { $number }
confirmation-overdue-body =
    { -greeting }

    Institutionen har inte bekräftat sina uppgifter inom den angivna tiden.

    { facts }
    Skyldighet: { $duty }
    Institution: { $institution }{ due-line }

    { open }

    { -footer }

backup-overdue-subject = En säkerhetskopia är försenad ({ $number })
backup-overdue-body =
    { -greeting }

    Ingen kontrollerad säkerhetskopia av registret har gjorts i tid. Kontrollera att säkerhetskopieringen fungerar och att det finns plats på disken.

    { facts }
    Senaste kontrollerade säkerhetskopia: { $last }

    { open }

    { -footer }
