//! A register of boats that no statute knows, for tests: it says everything that a definition can say, and
//! is without fault.

use super::super::definition::{Definition, Sources};
use super::super::parse::parse;

pub(in crate::domain) const REGISTER: &str = r#"
short_name = "boats-1"
name_clause = "§ 1"
country = "FI"
time_zone = "Europe/Helsinki"

[name]
et = "Paatide andmekogu"
en = "Register of boats"
fi = "Venerekisteri"
sv = "Båtregistret"

[act]
issuer = "Saarnaki Sadamaselts"
kind = "kord"
title = "Paatide andmekogu kord"
number = "7"
adopted = "2020-01-10"
in_force_from = "2020-02-01"
in_force_until = "2024-12-31"
publication = "Saarnaki Teataja 1/2020"
legal_basis = ["põhikiri § 2"]
clause = "§ 1"

[[purpose]]
name = "berths"
label = { et = "Kaikohad", en = "Berths", fi = "Laituripaikat", sv = "Bryggplatser" }
clause = "§ 2"

[controller]
name = "Saarnaki Sadamaselts"
clause = "§ 3"

[[processor]]
name = "Kaptenite Pilv OÜ"
clause = "§ 3"

[security]
class = "K1T2S1"
level = "M"
clause = "§ 3"

[institutions]
record_type = "harbour"
kind_field = "kind"
email_field = "email"

[[institutions.kind]]
name = "guest"
label = { et = "Külalissadam", en = "Guest harbour", fi = "Vierassatama", sv = "Gästhamn" }
clause = "§ 4"

[[institutions.kind]]
name = "home"
label = { et = "Kodusadam", en = "Home harbour", fi = "Kotisatama", sv = "Hemmahamn" }
clause = "§ 4"

[[role]]
name = "harbour_master"
label = { et = "Sadamakapten", en = "Harbour master", fi = "Satamakapteeni", sv = "Hamnkapten" }
clause = "§ 5"
data_role = true
needs_until = true

[[role.basis]]
name = "contract"
label = { et = "leping", en = "contract", fi = "sopimus", sv = "avtal" }
clause = "§ 5"

[[role]]
name = "skipper"
label = { et = "Kipper", en = "Skipper", fi = "Kippari", sv = "Skeppare" }
clause = "§ 5"
implicit = true

[access]
clause = "§ 5"
scope_clause = "§ 5"
purpose_required = true
purpose_clause = "§ 2"
document_clause = "§ 6"
correction_clause = "§ 6"
force_clause = "§ 1"
grant_log_clause = "§ 5"
revocation_clause = "§ 5"

[[revocation_ground]]
name = "ashore"
label = { et = "maale jäänud", en = "gone ashore", fi = "jäänyt maihin", sv = "gått i land" }
clause = "§ 5"

[[recipient]]
name = "coast_guard"
label = { et = "rannavalve", en = "coast guard", fi = "rannikkovartiosto", sv = "kustbevakning" }
clause = "§ 7"
grounds = ["rescue"]

[[publication]]
record_type = "boat"
fields = ["name", "checks/kind"]
clause = "§ 7"

[[confirmation]]
name = "spring"
institution_kind = "guest"
record_types = ["boat"]
due_on = ["05-01", "10-31"]
clause = "§ 8"
responsible_clause = "§ 8"
label = { et = "kinnitus", en = "confirmation", fi = "vahvistus", sv = "bekräftelse" }
opens_days_before = 10
reminders = [10, 0]
escalates_to = "office"
inquiry = "query"
statement = { et = "Andmed on õiged.", en = "The data are right.", fi = "Tiedot ovat oikein.", sv = "Uppgifterna är riktiga." }

[[retention]]
name = "while_open"
label = { et = "alati", en = "always", fi = "aina", sv = "alltid" }
clause = "§ 9"
then = "keep"

[[retention]]
name = "after_berth"
label = { et = "pärast lahkumist", en = "after leaving", fi = "lähdön jälkeen", sv = "efter avfärd" }
clause = "§ 9"
trigger = "leaves_on"
period = "P5Y"
then = "destroy"

[[retention]]
name = "after_sale"
label = { et = "pärast müüki", en = "after sale", fi = "myynnin jälkeen", sv = "efter försäljning" }
clause = "§ 9"
trigger = "event:sold"
period = "P1Y6M"
then = "anonymise"
source = "liigitusskeem"

[backup]
clause = "§ 9"
every_hours = 24
keep_days_of_month = [1, 15]
keep_all = "P1M"
keep_at_most = "P1Y"

[[recipient]]
name = "statistics_office"
label = { et = "statistikaamet", en = "statistics office", fi = "tilastokeskus", sv = "statistikbyrå" }
clause = "§ 7"
grounds = ["figures"]
aggregates_only = true

[[release_ground]]
name = "rescue"
label = { et = "pääste", en = "rescue", fi = "pelastus", sv = "räddning" }
clause = "§ 7"
needs_act = true

[[release_ground.question]]
name = "in_distress"
label = { et = "Kas on häda?", en = "Is there distress?", fi = "Onko hätä?", sv = "Är det nöd?" }
clause = "§ 7"
must_be = true
otherwise = "calm"

[[release_ground]]
name = "figures"
label = { et = "arvud", en = "figures", fi = "luvut", sv = "siffror" }
clause = "§ 7"

[[refusal_ground]]
name = "calm"
label = { et = "tuulevaikus", en = "calm", fi = "tyyni", sv = "stiltje" }
clause = "§ 7"

[[withheld]]
record_type = "skipper"
fields = ["phone_consent/withdrawn_on"]
sections = ["contact"]
clause = "§ 7"

[[withheld]]
fields = ["policy"]
clause = "§ 7"

[[report]]
name = "fleet"
label = { et = "laevastik", en = "fleet", fi = "laivasto", sv = "flotta" }
clause = "§ 7"
recipient = "statistics_office"
record_type = "boat"
group_by = ["class", "flag", "insured"]
every = "P1Y"
threshold = 5

[[report.measure]]
name = "length"
label = { et = "pikkus", en = "length", fi = "pituus", sv = "längd" }
take = "sum"
field = "length_over_all"

[[contact]]
name = "office"
label = { et = "kontor", en = "office", fi = "toimisto", sv = "kontor" }
clause = "§ 3"
email = "kontor@sadam.example"

[[contact]]
name = "cloud"
label = { et = "pilv", en = "cloud", fi = "pilvi", sv = "moln" }
clause = "§ 3"
email = "pilv@sadam.example"
language = "fi"

[leaver]
record_type = "boat"
clause = "§ 5"
term_clause = "§ 13"
term = "1 working day"
[leaver.ground]
name = "drifted_off"
label = { et = "triivinud minema", en = "drifted off", fi = "ajelehtinut pois", sv = "drivit iväg" }
clause = "§ 5"

[recertification]
on = ["03-01"]
term = "2 working days"
clause = "§ 5"

[recipient_notice]
clause = "§ 6"
term = "P5D"

[[source]]
name = "weather_service"
label = { et = "ilmateenistus", en = "ilmateenistus", fi = "ilmateenistus", sv = "ilmateenistus" }
clause = "§ 7"
local_change = "refused"
"#;

pub(in crate::domain) const CASES: &str = r#"
[[case]]
name = "request"
label = { et = "taotlus", en = "request", fi = "pyyntö", sv = "begäran" }
clause = "§ 7"
procedure = "disclosure"
term = "5 working days"
term_clause = "§ 8"
extension = { term = "15 working days", clause = "§ 8" }
reminders = [1]
steps = ["ask_clarification", "clarify", "extend", "notify"]
closes_after = ["decide", "notify"]
remedies = { et = "Kaeba.", en = "Complain.", fi = "Valita.", sv = "Klaga." }

[[case.outcome]]
name = "granted"
label = { et = "jah", en = "yes", fi = "kyllä", sv = "ja" }
clause = "§ 7"

[[case.outcome]]
name = "partly"
label = { et = "osalt", en = "partly", fi = "osin", sv = "delvis" }
clause = "§ 7"
in_part = true

[[case.outcome]]
name = "refused"
label = { et = "ei", en = "no", fi = "ei", sv = "nej" }
clause = "§ 7"
refuses = true

[[case]]
name = "collision"
label = { et = "kokkupõrge", en = "collision", fi = "yhteentörmäys", sv = "kollision" }
clause = "§ 3"
procedure = "incident"
tells = ["office", "cloud"]

[[case]]
name = "grumble"
label = { et = "nurin", en = "grumble", fi = "valitus", sv = "knorr" }
clause = "§ 8"
procedure = "complaint"
term = "P1M"
steps = ["notify"]
closes_after = ["decide", "notify"]

[[case.outcome]]
name = "heard"
label = { et = "kuuldud", en = "heard", fi = "kuultu", sv = "hörd" }
clause = "§ 8"

[[case]]
name = "order"
label = { et = "ettekirjutus", en = "order", fi = "määräys", sv = "föreläggande" }
clause = "§ 3"
procedure = "prescription"
names_due = true
forwards_to = "cloud"
steps = ["forward", "answer"]
closes_after = ["forward"]

[[case]]
name = "inquest"
label = { et = "uurimine", en = "inquest", fi = "tutkinta", sv = "undersökning" }
clause = "§ 5"
procedure = "investigation"
about = "record"
hides = ["harbour_master"]

[[case]]
name = "cast_off"
label = { et = "lahkumine", en = "cast-off", fi = "irtautuminen", sv = "avkastning" }
clause = "§ 5"
procedure = "leaver"
term = "1 working day"

[[case]]
name = "muster"
label = { et = "ülevaatus", en = "muster", fi = "katselmus", sv = "mönstring" }
clause = "§ 5"
procedure = "recertification"
term = "2 working days"

[[case.outcome]]
name = "all_aboard"
label = { et = "kõik pardal", en = "all aboard", fi = "kaikki mukana", sv = "alla ombord" }
clause = "§ 5"

[[case]]
name = "hail"
label = { et = "hõige", en = "hail", fi = "huuto", sv = "rop" }
clause = "§ 6"
procedure = "recipient_notice"
term = "P5D"
steps = ["notify"]
closes_after = ["notify"]

[[case]]
name = "query"
label = { et = "küsimus", en = "küsimus", fi = "küsimus", sv = "küsimus" }
clause = "§ 8"
procedure = "inquiry"
about = "institution"
steps = ["answer"]
"#;

pub(in crate::domain) const HARBOUR: &str = r#"
name = "harbour"
label = { et = "Sadam", en = "Harbour", fi = "Satama", sv = "Hamn" }
clause = "§ 4"
purposes = ["berths"]
title = ["name"]
base_documents = ["decision"]

[[section]]
name = "general"
label = { et = "Üldandmed", en = "General", fi = "Yleistä", sv = "Allmänt" }

[[field]]
name = "name"
type = "text"
label = { et = "Nimi", en = "Name", fi = "Nimi", sv = "Namn" }
clause = "§ 4"
section = "general"
retention = "while_open"
required = true
index = "name"

[[field]]
name = "kind"
type = "code"
codelist = "harbour_kind"
label = { et = "Liik", en = "Kind", fi = "Laji", sv = "Slag" }
clause = "§ 4"
section = "general"
retention = "while_open"

[[field]]
name = "boats"
type = "integer"
label = { et = "Paate", en = "Boats", fi = "Veneitä", sv = "Båtar" }
clause = "§ 4"
section = "general"
derived = { take = "count", of = "boat" }

[[field]]
name = "skippers"
type = "integer"
label = { et = "Kippareid", en = "Skippers", fi = "Kippareita", sv = "Skeppare" }
clause = "§ 4"
section = "general"
derived = { take = "count_distinct", of = "boat", field = "owner" }

[[field]]
name = "quay"
type = "decimal"
label = { et = "Kaid kulub", en = "Quay used", fi = "Laituria käytössä", sv = "Använd kaj" }
clause = "§ 4"
section = "general"
derived = { take = "sum", of = "boat", field = "length_over_all" }

[[field]]
name = "email"
type = "email"
label = { et = "Aadress", en = "Aadress", fi = "Aadress", sv = "Aadress" }
clause = "§ 4"
section = "general"
retention = "while_open"

[[field]]
name = "by_class"
type = "group"
repeats = true
label = { et = "Klassiti", en = "Klassiti", fi = "Klassiti", sv = "Klassiti" }
clause = "§ 4"
section = "general"
derived = { take = "count_by", of = "boat", by = ["class"] }

[[field.part]]
name = "class"
type = "code"
codelist = "class"
label = { et = "Klass", en = "Klass", fi = "Klass", sv = "Klass" }

[[field.part]]
name = "count"
type = "integer"
label = { et = "Arv", en = "Arv", fi = "Arv", sv = "Arv" }
"#;

pub(in crate::domain) const SKIPPER: &str = r#"
name = "skipper"
label = { et = "Kipper", en = "Skipper", fi = "Kippari", sv = "Skeppare" }
clause = "§ 10"
purposes = ["berths"]
title = ["surname"]
base_documents = ["decision", "other"]

[subject]
personal_code = "personal_code"

[[unique]]
fields = ["personal_code"]
within = "register"
clause = "§ 10"

[[section]]
name = "person"
label = { et = "Isik", en = "Person", fi = "Henkilö", sv = "Person" }

[[section]]
name = "contact"
label = { et = "Side", en = "Contact", fi = "Yhteys", sv = "Kontakt" }
special_category = true

[[field]]
name = "personal_code"
type = "personal_code"
label = { et = "Isikukood", en = "Personal code", fi = "Henkilötunnus", sv = "Personbeteckning" }
clause = "§ 10"
section = "person"
retention = "after_sale"
index = "code"
country = "FI"

[[field]]
name = "sex"
type = "code"
codelist = "sex"
label = { et = "Sugu", en = "Sex", fi = "Sukupuoli", sv = "Kön" }
clause = "§ 10"
section = "person"
derived = { take = "sex", from = "personal_code" }

[[field]]
name = "birth_date"
type = "date"
label = { et = "Sünniaeg", en = "Birth date", fi = "Syntymäaika", sv = "Födelsedatum" }
clause = "§ 10"
section = "person"
derived = { take = "birth_date", from = "personal_code", otherwise = "told_birth_date" }

[[field]]
name = "told_birth_date"
type = "date"
label = { et = "Öeldud sünniaeg", en = "Birth date told", fi = "Kerrottu syntymäaika", sv = "Uppgivet" }
clause = "§ 10"
section = "person"
retention = "after_sale"
required_when = { field = "personal_code", present = false }
min = "1900-01-01"

[[field]]
name = "age"
type = "integer"
label = { et = "Vanus", en = "Age", fi = "Ikä", sv = "Ålder" }
clause = "§ 10"
section = "person"
derived = { take = "age", from = "personal_code", otherwise = "told_birth_date" }

[[field]]
name = "surname"
type = "text"
label = { et = "Perenimi", en = "Surname", fi = "Sukunimi", sv = "Efternamn" }
help = { et = "Nagu passis.", en = "As in the passport.", fi = "Kuten passissa.", sv = "Som i passet." }
clause = "§ 10"
section = "person"
retention = "after_sale"
length = [1, 80]
pattern = "[A-ZÕÄÖÜ][A-Za-zÕÄÖÜõäöü -]*"
index = "name"

[[field]]
name = "mate"
type = "reference"
refers_to = "skipper"
label = { et = "Tüürimees", en = "Mate", fi = "Perämies", sv = "Styrman" }
clause = "§ 10"
section = "person"
retention = "after_sale"

[[field]]
name = "fleet"
type = "integer"
label = { et = "Paate", en = "Boats", fi = "Veneitä", sv = "Båtar" }
clause = "§ 10"
section = "person"
derived = { take = "count", of = "boat", via = "owner" }

[[field]]
name = "phone"
type = "phone"
label = { et = "Telefon", en = "Telephone", fi = "Puhelin", sv = "Telefon" }
clause = "§ 10"
section = "contact"
retention = "after_sale"
needs = { kind = "consent", field = "phone_consent", clause = "§ 10" }

[[field]]
name = "phone_consent"
type = "group"
label = { et = "Nõusolek", en = "Consent", fi = "Suostumus", sv = "Samtycke" }
clause = "§ 10"
section = "contact"
retention = "after_sale"

[[field.part]]
name = "given_on"
type = "date"
label = { et = "Antud", en = "Given", fi = "Annettu", sv = "Givet" }

[[field.part]]
name = "withdrawn_on"
type = "date"
label = { et = "Võetud tagasi", en = "Withdrawn", fi = "Peruttu", sv = "Återkallat" }

[[field]]
name = "health"
type = "multiline"
label = { et = "Tervis", en = "Health", fi = "Terveys", sv = "Hälsa" }
clause = "§ 10"
basis = "mereseadus § 11"
section = "contact"
retention = "after_sale"
needs = { kind = "legal_need", field = "health_need", clause = "§ 10" }

[[field]]
name = "health_need"
type = "text"
label = { et = "Vajadus", en = "Need", fi = "Tarve", sv = "Behov" }
clause = "§ 10"
section = "contact"
retention = "after_sale"

[[rule]]
kind = "no_cycle"
from = "mate"
clause = "§ 10"

[[move]]
name = "sale"
label = { et = "müük", en = "müük", fi = "müük", sv = "müük" }
clause = "§ 10"
into = "skipper"
carries = { mate = "mate" }
base_documents = ["other"]
event = "sold"
"#;

pub(in crate::domain) const BOAT: &str = r#"
name = "boat"
label = { et = "Paat", en = "Boat", fi = "Vene", sv = "Båt" }
clause = "§ 11"
purposes = ["berths"]
title = ["name", "checks[kind=hull]/number"]
base_documents = ["decision"]

[lifecycle]
begins = "moored_on"
ends = "leaves_on"
ground = "leaving"
clause = "§ 11"

[[unique]]
fields = ["name", "class"]
within = "institution"
unless_ended = true
clause = "§ 11"

[[section]]
name = "boat"
label = { et = "Paat", en = "Boat", fi = "Vene", sv = "Båt" }

[[field]]
name = "name"
type = "text"
label = { et = "Nimi", en = "Name", fi = "Nimi", sv = "Namn" }
clause = "§ 11"
section = "boat"
retention = "after_berth"
index = "name"

[[field]]
name = "class"
type = "code"
codelist = "class"
label = { et = "Klass", en = "Class", fi = "Luokka", sv = "Klass" }
clause = "§ 11"
section = "boat"
retention = "after_berth"
index = "filter"

[[field]]
name = "rig"
type = "code"
codelist = "rig"
within_code = "class"
label = { et = "Taglas", en = "Rig", fi = "Takila", sv = "Rigg" }
clause = "§ 11"
section = "boat"
retention = "after_berth"
required_when = { field = "class", one_of = ["sail"] }

[[field]]
name = "flag"
type = "country"
codelist = "flag"
label = { et = "Lipp", en = "Flag", fi = "Lippu", sv = "Flagga" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[[field]]
name = "owner"
type = "reference"
refers_to = "skipper"
label = { et = "Omanik", en = "Owner", fi = "Omistaja", sv = "Ägare" }
clause = "§ 11"
section = "boat"
retention = "after_berth"
index = "filter"

[[field]]
name = "length_over_all"
type = "decimal"
min = "2.5"
max = "24.0"
warn_above = "18"
scale = 1
label = { et = "Pikkus", en = "Length", fi = "Pituus", sv = "Längd" }
clause = "§ 11"
section = "boat"
retention = "after_berth"
index = "filter"

[[field]]
name = "built"
type = "year"
min = "1850"
label = { et = "Ehitatud", en = "Built", fi = "Rakennettu", sv = "Byggd" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[[field]]
name = "moored_on"
type = "date"
required = true
label = { et = "Saabus", en = "Moored", fi = "Saapui", sv = "Ankom" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[[field]]
name = "stay"
type = "group"
label = { et = "Aeg", en = "Stay", fi = "Aika", sv = "Tid" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[[field.part]]
name = "amount"
type = "integer"
min = "1"
label = { et = "Mitu", en = "How many", fi = "Montako", sv = "Hur många" }

[[field.part]]
name = "unit"
type = "code"
codelist = "unit"
label = { et = "Mida", en = "Of what", fi = "Mitä", sv = "Av vad" }

[[field]]
name = "leaves_on"
type = "date"
label = { et = "Lahkub", en = "Leaves", fi = "Lähtee", sv = "Avgår" }
clause = "§ 11"
section = "boat"
derived = { take = "period_end", from = "moored_on", to = "stay" }

[[field]]
name = "nights"
type = "integer"
label = { et = "Päevi", en = "Days", fi = "Päiviä", sv = "Dagar" }
clause = "§ 11"
section = "boat"
derived = { take = "days_inclusive", from = "moored_on", to = "leaves_on" }

[[field]]
name = "leaving"
type = "code"
codelist = "leaving"
label = { et = "Põhjus", en = "Ground", fi = "Peruste", sv = "Grund" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[[field]]
name = "insured"
type = "boolean"
label = { et = "Kindlustatud", en = "Insured", fi = "Vakuutettu", sv = "Försäkrad" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[[field]]
name = "policy"
type = "file"
media_types = ["application/pdf", "image/png"]
label = { et = "Poliis", en = "Policy", fi = "Vakuutuskirja", sv = "Försäkringsbrev" }
clause = "§ 11"
section = "boat"
retention = "after_berth"
required_when = { field = "insured", is = true }

[[field]]
name = "checks"
type = "group"
repeats = true
items = [0, 20]
label = { et = "Ülevaatused", en = "Checks", fi = "Katsastukset", sv = "Besiktningar" }
clause = "§ 12"
section = "boat"
retention = "after_berth"

[[field.part]]
name = "kind"
type = "code"
codelist = "check"
label = { et = "Liik", en = "Kind", fi = "Laji", sv = "Slag" }

[[field.part]]
name = "number"
type = "text"
label = { et = "Number", en = "Number", fi = "Numero", sv = "Nummer" }
clause = "§ 12"

[[field.part]]
name = "begins_on"
type = "date"
label = { et = "Algus", en = "From", fi = "Alkaen", sv = "Från" }

[[field.part]]
name = "ends_on"
type = "date"
label = { et = "Lõpp", en = "To", fi = "Asti", sv = "Till" }
required_when = { field = "begins_on", present = true }

[[rule]]
kind = "order"
of = "checks"
from = "begins_on"
to = "ends_on"
warning = true
clause = "§ 12"

[[rule]]
kind = "no_overlap"
of = "checks"
from = "begins_on"
to = "ends_on"
by = "kind"
clause = "§ 12"

[[rule]]
kind = "inside"
of = "checks"
from = "begins_on"
to = "ends_on"
clause = "§ 12"

[[rule]]
kind = "sequence"
of = "checks"
from = "begins_on"
by = "kind"
first = "hull"
last = "rigging"
clause = "§ 12"

[[field]]
name = "berth_holder"
type = "personal_code"
label = { et = "Koha valdaja", en = "Berth holder", fi = "Paikan haltija", sv = "Platsinnehavare" }
clause = "§ 11"
section = "boat"
retention = "after_berth"

[subject]
personal_code = "berth_holder"

[[held_by]]
kind = "guest"
clause = "§ 4"
"#;

pub(in crate::domain) const VOYAGE: &str = r#"
name = "voyage"
label = { et = "Reis", en = "Reis", fi = "Reis", sv = "Reis" }
clause = "§ 13"
repeated_in = ["§ 12"]
purposes = ["berths"]
title = ["crew"]
base_documents = ["decision", "other"]

[subject]
personal_code = "captain"

[lifecycle]
begins = "sails_on"
ends = "lands_on"
ground = "landing"
clause = "§ 13"

[[held_by]]
kind = "guest"
where = { field = "email", present = true }
clause = "§ 4"

[[section]]
name = "voyage"
label = { et = "Reis", en = "Reis", fi = "Reis", sv = "Reis" }

[[field]]
name = "captain"
type = "personal_code"
label = { et = "Kapten", en = "Kapten", fi = "Kapten", sv = "Kapten" }
clause = "§ 13"
section = "voyage"
retention = "while_open"
index = "code"

[[field]]
name = "crew"
type = "text"
label = { et = "Meeskond", en = "Meeskond", fi = "Meeskond", sv = "Meeskond" }
clause = "§ 13"
repeated_in = ["§ 12"]
section = "voyage"
retention = "while_open"
index = "filter"

[[field]]
name = "sails_on"
type = "date"
label = { et = "Algus", en = "Algus", fi = "Algus", sv = "Algus" }
clause = "§ 13"
section = "voyage"
retention = "while_open"

[[field]]
name = "lands_on"
type = "date"
label = { et = "Lõpp", en = "Lõpp", fi = "Lõpp", sv = "Lõpp" }
clause = "§ 13"
section = "voyage"
retention = "while_open"

[[field]]
name = "landing"
type = "code"
codelist = "wind"
label = { et = "Põhjus", en = "Põhjus", fi = "Põhjus", sv = "Põhjus" }
clause = "§ 13"
section = "voyage"
retention = "while_open"
required_when = { field = "lands_on", present = true }
absent_when = { field = "lands_on", present = false }

[[field]]
name = "miles"
type = "decimal"
label = { et = "Miile", en = "Miile", fi = "Miile", sv = "Miile" }
clause = "§ 13"
section = "voyage"
retention = "while_open"
index = "filter"

[[field]]
name = "weather"
type = "code"
codelist = "wind"
label = { et = "Ilm", en = "Ilm", fi = "Ilm", sv = "Ilm" }
clause = "§ 13"
source = "weather_service"
section = "voyage"
retention = "while_open"

[[field]]
name = "stops"
type = "group"
repeats = true
label = { et = "Peatused", en = "Peatused", fi = "Peatused", sv = "Peatused" }
clause = "§ 13"
section = "voyage"
retention = "while_open"

[[field.part]]
name = "harbour"
type = "reference"
refers_to = "harbour"
label = { et = "Sadam", en = "Sadam", fi = "Sadam", sv = "Sadam" }

[[field.part]]
name = "until"
type = "date"
label = { et = "Kuni", en = "Kuni", fi = "Kuni", sv = "Kuni" }

[[field]]
name = "fellows"
type = "group"
repeats = true
label = { et = "Kaaslased", en = "Kaaslased", fi = "Kaaslased", sv = "Kaaslased" }
clause = "§ 13"
section = "voyage"
derived = { take = "related", of = "voyage", field = "captain", via = "stops/harbour" }

[[field.part]]
name = "record"
type = "reference"
refers_to = "voyage"
label = { et = "Reis", en = "Reis", fi = "Reis", sv = "Reis" }

[[field.part]]
name = "institution"
type = "reference"
refers_to = "harbour"
label = { et = "Sadam", en = "Sadam", fi = "Sadam", sv = "Sadam" }

[[field.part]]
name = "crew"
type = "text"
label = { et = "Meeskond", en = "Meeskond", fi = "Meeskond", sv = "Meeskond" }

[[check]]
name = "two_helms"
label = { et = "Kahel laeval korraga.", en = "Kahel laeval korraga.", fi = "Kahel laeval korraga.", sv = "Kahel laeval korraga." }
clause = "§ 13"
kind = "held_elsewhere"
severity = "warning"
warns = true

[[check]]
name = "crowd"
label = { et = "Liiga palju reise.", en = "Liiga palju reise.", fi = "Liiga palju reise.", sv = "Liiga palju reise." }
clause = "§ 13"
kind = "group_size"
severity = "warning"
fields = ["crew"]
limit = "4"
when = { field = "weather", is = "gale" }

[[check]]
name = "tired"
label = { et = "Liiga palju miile.", en = "Liiga palju miile.", fi = "Liiga palju miile.", sv = "Liiga palju miile." }
clause = "§ 13"
kind = "sum_per_subject"
severity = "error"
fields = ["miles"]
limit = "1000.5"

[[check]]
name = "overdue"
label = { et = "Peaks tagasi olema.", en = "Peaks tagasi olema.", fi = "Peaks tagasi olema.", sv = "Peaks tagasi olema." }
clause = "§ 13"
kind = "expired"
severity = "warning"
fields = ["lands_on"]

[[check]]
name = "alone"
label = { et = "Meeskond puudub.", en = "Meeskond puudub.", fi = "Meeskond puudub.", sv = "Meeskond puudub." }
clause = "§ 13"
kind = "missing"
severity = "error"
fields = ["crew", "stops"]

[[check]]
name = "half_told"
label = { et = "Lõpp või põhjus puudub.", en = "Lõpp või põhjus puudub.", fi = "Lõpp või põhjus puudub.", sv = "Lõpp või põhjus puudub." }
clause = "§ 13"
kind = "unpaired"
severity = "error"
fields = ["lands_on", "landing"]

[queue]
clause = "§ 13"
institution = "stops/harbour"

[[queue.key]]
name = "fleeing"
label = { et = "tormi eest", en = "tormi eest", fi = "tormi eest", sv = "tormi eest" }
basis = "§ 13"
kind = "holds"
when = { field = "weather", one_of = ["gale"] }

[[queue.key]]
name = "first"
label = { et = "enne teisi", en = "enne teisi", fi = "enne teisi", sv = "enne teisi" }
basis = "tava"
kind = "earlier"
field = "sails_on"

[[queue.key]]
name = "company"
label = { et = "kaaslased ees", en = "kaaslased ees", fi = "kaaslased ees", sv = "kaaslased ees" }
basis = "tava"
kind = "related"
field = "fellows"

[[move]]
name = "next_leg"
label = { et = "järgmine ots", en = "järgmine ots", fi = "järgmine ots", sv = "järgmine ots" }
clause = "§ 13"
into = "voyage"
carries = { captain = "captain", stops = "stops" }
ends = true
ground = "gale"
base_documents = ["decision"]
event = "landed"
accepted = true
"#;

pub(in crate::domain) const EXCHANGES: &str = r#"
[[exchange]]
name = "to_the_guard"
label = { et = "rannavalvele", en = "rannavalvele", fi = "rannavalvele", sv = "rannavalvele" }
clause = "§ 7"
direction = "export"
partner = "Rannavalve"
recipient = "coast_guard"
ground = "rescue"

[[exchange.part]]
name = "Paadid"
record_type = "boat"
where = { field = "insured", is = true }
column = [
  { name = "Nimi", field = "name" },
  { name = "Klass", field = "class", codes = { sail = "P", motor = "M" } },
  { name = "Saabus", field = "moored_on", form = "dotted_date" },
  { name = "Kindlustus", field = "insured", form = "jah_ei" },
  { name = "Sadam", field = "institution/name" },
]

[[exchange]]
name = "from_the_weather"
label = { et = "ilmateenistuselt", en = "ilmateenistuselt", fi = "ilmateenistuselt", sv = "ilmateenistuselt" }
clause = "§ 7"
direction = "import"
partner = "Ilmateenistus"
source = "weather_service"

[[exchange.part]]
name = "Reisid"
record_type = "voyage"
base_document = "other"
creates = true
column = [
  { name = "Isikukood", field = "captain" },
  { name = "Ilm", field = "weather", codes = { gale = "9" } },
  { name = "Kodusadam", field = "institution/name" },
]
"#;

pub(in crate::domain) const CODELISTS: &str = r#"
[[codelist]]
name = "harbour_kind"
label = { et = "Sadama liik", en = "Kind of harbour", fi = "Sataman laji", sv = "Hamnslag" }
clause = "§ 4"
code = [
  { code = "guest", label = { et = "külalis", en = "guest", fi = "vieras", sv = "gäst" } },
  { code = "home", label = { et = "kodu", en = "home", fi = "koti", sv = "hem" } },
]

[[codelist]]
name = "sex"
label = { et = "Sugu", en = "Sex", fi = "Sukupuoli", sv = "Kön" }
clause = "§ 10"
code = [
  { code = "male", label = { et = "mees", en = "male", fi = "mies", sv = "man" } },
  { code = "female", label = { et = "naine", en = "female", fi = "nainen", sv = "kvinna" } },
]

[[codelist]]
name = "class"
label = { et = "Klass", en = "Class", fi = "Luokka", sv = "Klass" }
clause = "§ 11"
code = [
  { code = "sail", label = { et = "puri", en = "sail", fi = "purje", sv = "segel" } },
  { code = "motor", label = { et = "mootor", en = "motor", fi = "moottori", sv = "motor" } },
]

[[codelist]]
name = "rig"
label = { et = "Taglas", en = "Rig", fi = "Takila", sv = "Rigg" }
clause = "§ 11"

[[codelist.code]]
code = "sloop"
label = { et = "sluup", en = "sloop", fi = "sluuppi", sv = "slup" }
parent = "sail"
valid_until = "2021-12-31"

[[codelist.code]]
code = "sloop"
label = { et = "kaater", en = "sloop", fi = "sluuppi", sv = "slup" }
parent = "sail"
valid_from = "2022-01-01"

[[codelist.code]]
code = "none"
label = { et = "puudub", en = "none", fi = "ei ole", sv = "ingen" }
parent = "motor"

[[codelist]]
name = "flag"
label = { et = "Muud lipud", en = "Other flags", fi = "Muut liput", sv = "Andra flaggor" }
clause = "§ 11"
code = [{ code = "XXP", label = { et = "piraat", en = "pirate", fi = "merirosvo", sv = "pirat" } }]

[[codelist]]
name = "unit"
label = { et = "Ühik", en = "Unit", fi = "Yksikkö", sv = "Enhet" }
clause = "§ 11"
code = [
  { code = "day", label = { et = "päev", en = "day", fi = "päivä", sv = "dag" } },
  { code = "month", label = { et = "kuu", en = "month", fi = "kuukausi", sv = "månad" } },
]

[[codelist]]
name = "leaving"
label = { et = "Lahkumine", en = "Leaving", fi = "Lähtö", sv = "Avfärd" }
clause = "§ 11"
code = [{ code = "storm", label = { et = "torm", en = "storm", fi = "myrsky", sv = "storm" } }]

[[codelist]]
name = "check"
label = { et = "Ülevaatus", en = "Check", fi = "Katsastus", sv = "Besiktning" }
clause = "§ 12"
code = [
  { code = "hull", label = { et = "kere", en = "hull", fi = "runko", sv = "skrov" } },
  { code = "rigging", label = { et = "taglas", en = "rigging", fi = "takila", sv = "rigg" } },
]

[[codelist]]
name = "wind"
label = { et = "Tuul", en = "Wind", fi = "Tuuli", sv = "Vind" }
clause = "§ 13"
code = [
  { code = "gale", label = { et = "maru", en = "gale", fi = "kova tuuli", sv = "kuling" } },
  { code = "lull", label = { et = "vaikus", en = "lull", fi = "tyyni", sv = "stiltje" } },
]
"#;

pub(in crate::domain) const DOCUMENTS: &str = r#"
[[document_kind]]
name = "decision"
label = { et = "otsus", en = "decision", fi = "päätös", sv = "beslut" }
clause = "§ 6"

[[document_kind]]
name = "other"
label = { et = "muu", en = "other", fi = "muu", sv = "annat" }
clause = "§ 6"
needs_explanation = true
"#;

pub(in crate::domain) const CLAUSES: &str = r#"
[[clause]]
id = "§ 1"
gist = "Names the register and founds it."
behaviours = ["official_names"]

[[clause]]
id = "§ 2"
gist = "Says why it is kept."
behaviours = ["definition_states"]

[[clause]]
id = "§ 3"
gist = "Says who answers for it, and how safe it is."
behaviours = ["security_class"]

[[clause]]
id = "§ 4"
gist = "Lists harbours."
behaviours = ["aggregates", "field_validation"]

[[clause]]
id = "§ 5"
gist = "Says who may do what."
behaviours = ["entry_by_role"]

[[clause]]
id = "§ 6"
gist = "Asks for documents."
behaviours = ["base_document_required"]

[[clause]]
id = "§ 7"
gist = "Says who receives data."
pending = "Feeds are to come."

[[clause]]
id = "§ 8"
gist = "Has data confirmed in spring."
pending = "Confirmations are to come."

[[clause]]
id = "§ 9"
gist = "Says how long data are kept."
behaviours = ["retention_declared"]

[[clause]]
id = "§ 10"
gist = "Lists skippers."
behaviours = ["field_validation"]

[[clause]]
id = "§ 11"
gist = "Lists boats."
behaviours = ["field_validation"]

[[clause]]
id = "§ 12"
gist = "Lists checks."
behaviours = ["field_validation"]

[[clause]]
id = "§ 13"
gist = "Thanks the sea."
reason = "It binds nobody."
"#;

pub(in crate::domain) const POLICIES: &str = r#"
// Harbour masters do everything.
@clause("§ 5")
permit(principal, action, resource);
"#;

/// The files.
pub(in crate::domain) fn sources() -> Sources {
    [
        ("register.toml", REGISTER),
        ("records/boat.toml", BOAT),
        ("records/harbour.toml", HARBOUR),
        ("records/skipper.toml", SKIPPER),
        ("records/voyage.toml", VOYAGE),
        ("codelists.toml", CODELISTS),
        ("documents.toml", DOCUMENTS),
        ("cases.toml", CASES),
        ("exchanges.toml", EXCHANGES),
        ("clauses.toml", CLAUSES),
        ("access.cedar", POLICIES),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect()
}

/// The files with `from` in `file` replaced by `to`; `from` must stand there once.
pub(in crate::domain) fn changed(file: &str, from: &str, to: &str) -> Sources {
    let mut sources = sources();
    let text = sources.get_mut(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` does not stand in {file} exactly once");
    *text = text.replace(from, to);
    sources
}

/// The definition.
pub(in crate::domain) fn definition() -> Definition {
    parse(&sources()).unwrap()
}
