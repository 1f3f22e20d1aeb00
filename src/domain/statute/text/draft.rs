//! The beginning of a definition, from a statute's text or from what somebody was asked.
//!
//! What the text says is taken over: the act, the clauses, the names, purposes, kinds of base documents, and for each list
//! of data a record type with its fields. What is only probable (the type of a field, which clause rules access) is a
//! guess and marked as one; what the text cannot say is a blank that `check` refuses by name ([`BLANK`]).
//!
//! # Not here
//! The files are written by [`super::skeleton`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::compare::{controller, official_name, short_name};
use super::words::{contains, plain, words};
use super::{PREAMBLE, Part, Provision, Statute};
use crate::domain::statute::listing;
use crate::domain::statute::parse::BLANK;
use crate::domain::statute::{FieldType, Language};

/// Longest machine name that is made from words, in bytes.
const LONGEST_NAME: usize = 40;

/// What the files of a new definition are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Short name, the folder's name.
    pub short_name: String,
    /// Official name.
    pub name: String,
    /// Language of the source.
    pub language: Language,
    /// ISO 3166 alpha-2 of the country whose law applies.
    pub country: String,
    /// Who issued the act.
    pub issuer: String,
    /// Kind of act.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Number.
    pub number: String,
    /// Day of adoption; a blank where it is not known.
    pub adopted: Option<NaiveDate>,
    /// First day in force.
    pub in_force_from: Option<NaiveDate>,
    /// Last day in force.
    pub in_force_until: Option<NaiveDate>,
    /// Publication mark.
    pub publication: String,
    /// Provisions that the act rests on.
    pub legal_basis: Vec<String>,
    /// Controller.
    pub controller: String,
    /// What is said of the processor, as it stands there, if there is one.
    pub processor: Option<Stated>,
    /// Security class.
    pub security: Option<Stated>,
    /// What the data mean in law.
    pub legal_effect: Option<Stated>,
    /// Purposes.
    pub purposes: Vec<Stated>,
    /// Roles that the text lists.
    pub roles: Vec<Stated>,
    /// Rules of retention.
    pub retention: Vec<Stated>,
    /// Kinds of base documents.
    pub documents: Vec<Stated>,
    /// Registers from which data come.
    pub sources: Vec<Stated>,
    /// Clauses on which general rules rest.
    pub rules: Rules,
    /// What the register holds.
    pub records: Vec<Record>,
    /// Clauses, with the headings under which they stand, in their order.
    pub clauses: Vec<Row>,
}

/// Something that the text states under a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Machine name.
    pub name: String,
    /// Words of the text.
    pub words: String,
    /// Address.
    pub clause: String,
}

/// Clauses on which general rules rest: each as found by the words of its heading, else the first of the act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What founds the register.
    pub founding: String,
    /// What gives it its name.
    pub name: String,
    /// Who answers for it.
    pub controller: String,
    /// Why data are held.
    pub purpose: String,
    /// Who has access.
    pub access: String,
    /// On what entries rest.
    pub documents: String,
    /// Who enters data.
    pub entering: String,
    /// How wrong data are mended.
    pub correction: String,
    /// That a log of rights is kept.
    pub grant_log: String,
    /// When rights end.
    pub revocation: String,
    /// How the register is closed, where the text says so.
    pub closing: Option<String>,
}

/// One list of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Machine name.
    pub name: String,
    /// Of whom or what the data are.
    pub label: String,
    /// Address of the list.
    pub clause: String,
    /// Addresses of lists that say the same again.
    pub repeated_in: Vec<String>,
    /// Whether it is of those who hold the records.
    pub is_institution: bool,
    /// Retention rule.
    pub retention: String,
    /// Its fields; none where the text has no list for them.
    pub fields: Vec<Proposed>,
}

/// One proposed field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Machine name.
    pub name: String,
    /// Words of the point.
    pub label: String,
    /// Type, guessed by the words.
    pub kind: FieldType,
    /// Whether the point names several things, so that it may have to be divided.
    pub several: bool,
    /// Address.
    pub clause: String,
    /// Other addresses.
    pub repeated_in: Vec<String>,
}

/// A clause of the act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Address.
    pub clause: String,
    /// The heading, where one begins here.
    pub heading: Option<String>,
}

impl Outline {
    /// What the text says. `short` is the short name where the text gives none, or another is wanted.
    pub fn of(statute: &Statute, short: Option<&str>) -> Self {
        let head = &statute.head;
        let text = |said: &Option<super::Said<String>>| said.as_ref().map_or(BLANK.to_owned(), |s| s.value.clone());
        let find = Finder { statute };
        let rules = find.rules();
        let retention = find.retention(&rules);
        let name = statute.provisions.iter().find_map(|p| official_name(&p.text)).map(str::to_owned);
        Self {
            short_name: short
                .or_else(|| statute.provisions.iter().find_map(|p| short_name(&p.text)))
                .map_or(BLANK.to_owned(), str::to_owned),
            name: name.or_else(|| head.title.as_ref().map(|s| s.value.clone())).unwrap_or_else(|| BLANK.to_owned()),
            language: Language::Et,
            country: "EE".to_owned(),
            issuer: text(&head.issuer),
            kind: text(&head.kind),
            title: text(&head.title),
            number: text(&head.number),
            adopted: head.adopted.as_ref().map(|said| said.value),
            in_force_from: head.in_force_from.as_ref().map(|said| said.value),
            in_force_until: head.in_force_until.as_ref().and_then(|said| said.value),
            publication: text(&head.publication),
            legal_basis: find.preamble().map_or_else(|| vec![BLANK.to_owned()], |p| legal_basis(&p.text)),
            controller: find.controller().map_or(BLANK.to_owned(), |(name, _)| name.to_owned()),
            processor: find.processor(),
            security: find.security(),
            legal_effect: find.legal_effect(),
            purposes: find.purposes(&rules),
            roles: find.roles(),
            documents: find.documents(&rules),
            sources: find.sources(),
            records: find.records(&retention, &rules),
            clauses: find.clauses(),
            retention,
            rules,
        }
    }

    /// An outline of a register of which only its name and what it holds are known: one clause, everything else blank.
    pub fn blank(short_name: &str, name: &str, language: Language, country: &str, records: &[String]) -> Self {
        let first = "§ 1".to_owned();
        let blank = || BLANK.to_owned();
        let mut taken = BTreeSet::new();
        let of = |label: &String| Record {
            name: machine_name(label, &mut taken),
            label: label.clone(),
            clause: first.clone(),
            repeated_in: Vec::new(),
            is_institution: false,
            retention: "kept".to_owned(),
            fields: Vec::new(),
        };
        let mut records: Vec<Record> = records.iter().map(of).collect();
        for record in &mut records {
            record.fields = vec![Proposed {
                name: "name".to_owned(),
                label: blank(),
                kind: FieldType::Text,
                several: false,
                clause: first.clone(),
                repeated_in: Vec::new(),
            }];
        }
        let stated = |name: &str| Stated { name: name.to_owned(), words: blank(), clause: first.clone() };
        Self {
            short_name: short_name.to_owned(),
            name: name.to_owned(),
            language,
            country: country.to_owned(),
            issuer: blank(),
            kind: blank(),
            title: blank(),
            number: blank(),
            adopted: None,
            in_force_from: None,
            in_force_until: None,
            publication: blank(),
            legal_basis: vec![blank()],
            controller: blank(),
            processor: None,
            security: None,
            legal_effect: None,
            purposes: vec![stated("purpose")],
            roles: Vec::new(),
            retention: vec![stated("kept")],
            documents: vec![stated("document")],
            sources: Vec::new(),
            rules: Rules {
                founding: first.clone(),
                name: first.clone(),
                controller: first.clone(),
                purpose: first.clone(),
                access: first.clone(),
                documents: first.clone(),
                entering: first.clone(),
                correction: first.clone(),
                grant_log: first.clone(),
                revocation: first.clone(),
                closing: None,
            },
            records,
            clauses: vec![Row { clause: first, heading: None }],
        }
    }
}

/// Finds in a text what a definition needs to know.
struct Finder<'s> {
    statute: &'s Statute,
}

impl<'s> Finder<'s> {
    fn preamble(&self) -> Option<&'s Provision> {
        self.statute.provisions.iter().find(|provision| provision.clause.0 == PREAMBLE)
    }

    fn controller(&self) -> Option<(&'s str, &'s Provision)> {
        self.statute.provisions.iter().find_map(|provision| Some((controller(&provision.text)?, provision)))
    }

    /// Provisions with their positions, without the preamble.
    fn body(&self) -> impl Iterator<Item = (usize, &'s Provision)> {
        self.statute.provisions.iter().enumerate().filter(|(_, provision)| provision.part != Part::Preamble)
    }

    /// The paragraph in whose heading one of `wanted` stands, the first of `wanted` first.
    fn headed(&self, wanted: &[&str]) -> Option<(usize, &'s Provision)> {
        wanted.iter().find_map(|word| self.body().find(|(_, p)| p.heading.to_lowercase().contains(word)))
    }

    /// The first provision that says something in the paragraph at `index`, or that itself.
    fn speaking(&self, index: usize) -> Option<&'s Provision> {
        let speaks = |(at, provision): &(usize, &'s Provision)| {
            self.statute.speaks(*at) && (*at == index || provision.parent == Some(index))
        };
        self.body().skip_while(|(at, _)| *at < index).find(speaks).map(|(_, provision)| provision)
    }

    fn clause_headed(&self, wanted: &[&str]) -> Option<String> {
        self.headed(wanted).and_then(|(index, _)| self.speaking(index)).map(|provision| provision.clause.0.clone())
    }

    fn clause_with(&self, wanted: &[&str]) -> Option<String> {
        let found = |word: &&str| self.body().find(|(_, p)| p.text.to_lowercase().contains(*word));
        wanted.iter().find_map(found).map(|(_, provision)| provision.clause.0.clone())
    }

    fn rules(&self) -> Rules {
        let first = self.body().find(|(at, _)| self.statute.speaks(*at)).map(|(_, p)| p.clause.0.clone());
        let founding = first.unwrap_or_else(|| BLANK.to_owned());
        let or_first = |found: Option<String>| found.unwrap_or_else(|| founding.clone());
        let access = or_first(
            self.clause_with(&["juurdepääsu õigus on", "juurdepääsuõigus on"])
                .or_else(|| self.clause_headed(&["juurdepääs"])),
        );
        let or_access = |found: Option<String>| found.unwrap_or_else(|| access.clone());
        Rules {
            name: or_first(self.clause_with(&["ametlik nimetus on"]).or_else(|| self.clause_headed(&["nimetus"]))),
            controller: or_first(
                self.controller()
                    .map(|(_, provision)| provision.clause.0.clone())
                    .or_else(|| self.clause_headed(&["vastutav töötleja"])),
            ),
            purpose: or_first(self.clause_headed(&["eesmär"])),
            documents: or_first(self.clause_headed(&["alusdokumen"]).or_else(|| self.clause_with(&["alusdokumen"]))),
            entering: or_first(
                self.clause_headed(&["andmete kandmine", "esitaja", "sisestami", "andmete esitami"])
                    .or_else(|| self.clause_with(&["sisestab andmed"])),
            ),
            correction: or_first(
                self.clause_headed(&["parandami", "muutmi"]).or_else(|| self.clause_with(&["ebaõige"])),
            ),
            grant_log: or_access(self.clause_with(&["logifail", "logi "])),
            revocation: or_access(self.clause_headed(&["õiguse lõppemi", "õiguse lõpetami"])),
            closing: self.clause_headed(&["pidamise lõpetami", "kogu lõpetami", "registri lõpetami"]),
            access,
            founding,
        }
    }

    fn processor(&self) -> Option<Stated> {
        let (index, _) = self.headed(&["volitatud töötleja"])?;
        let provision = self.speaking(index)?;
        let said = ["volitatud töötlejaks on ", "volitatud töötlejaks ", "volitatud töötleja on "];
        let rest = said.iter().find_map(|words| provision.text.split_once(words)).map(|(_, rest)| rest)?;
        let words = rest.trim_end_matches(['.', ';']).to_owned();
        Some(Stated { name: "processor".to_owned(), words, clause: provision.clause.0.clone() })
    }

    fn security(&self) -> Option<Stated> {
        self.body().find_map(|(_, provision)| {
            let is_class = |word: &&str| {
                let marks: Vec<char> = word.chars().collect();
                matches!(marks.as_slice(), ['K', k, 'T', t, 'S', s] if [k, t, s].iter().all(|c| c.is_ascii_digit()))
            };
            let class = provision.text.split(|c: char| !c.is_alphanumeric()).find(is_class)?.to_owned();
            Some(Stated { name: "security".to_owned(), words: class, clause: provision.clause.0.clone() })
        })
    }

    fn legal_effect(&self) -> Option<Stated> {
        let (index, _) = self.headed(&["õiguslik tähendus"])?;
        let provision = self.speaking(index)?;
        let words = provision.text.clone();
        Some(Stated { name: "legal_effect".to_owned(), words, clause: provision.clause.0.clone() })
    }

    /// The points of the list at `clause`, else what it says itself.
    fn items(&self, clause: &str) -> Vec<Stated> {
        let mut taken = BTreeSet::new();
        let Some(index) = self.statute.provisions.iter().position(|p| p.clause.0 == clause) else {
            return Vec::new();
        };
        let provision = self.statute.provisions.get(index);
        let points = provision.map(|p| self.statute.points(&p.clause)).unwrap_or_default();
        let chosen = if points.is_empty() { provision.into_iter().collect() } else { points };
        let of = |p: &Provision| {
            let words = trimmed(&p.text).to_owned();
            Stated { name: machine_name(&words, &mut taken), words, clause: p.clause.0.clone() }
        };
        chosen.into_iter().map(of).collect()
    }

    fn purposes(&self, rules: &Rules) -> Vec<Stated> {
        let found = self.headed(&["eesmär"]).map(|_| self.items(&rules.purpose)).unwrap_or_default();
        if found.is_empty() {
            let (name, words, clause) = ("purpose".to_owned(), BLANK.to_owned(), rules.purpose.clone());
            return vec![Stated { name, words, clause }];
        }
        found
    }

    /// What lists of roles name, up to the words that say what the role may do.
    fn roles(&self) -> Vec<Stated> {
        let lists = self.body().filter(|(_, p)| p.text.contains("rollid on") || p.text.contains("rollid:"));
        let mut taken = BTreeSet::from(["controller", "processor", "data_entry", "data_subject"].map(str::to_owned));
        let points = lists.flat_map(|(_, provision)| self.statute.points(&provision.clause));
        points
            .map(|point| {
                let words = point.text.split([',', ';', '(', '–']).next().unwrap_or_default();
                let words = trimmed(words.split_once(" - ").map_or(words, |(role, _)| role)).to_owned();
                Stated { name: machine_name(&words, &mut taken), words, clause: point.clause.0.clone() }
            })
            .collect()
    }

    /// Each point of what is said of keeping, without the words that say until when.
    fn retention(&self, rules: &Rules) -> Vec<Stated> {
        let headed = self.headed(&["säilitami"]).map(|(index, _)| index);
        let list = headed.and_then(|index| {
            let within = self.body().filter(|(at, p)| *at == index || p.parent == Some(index));
            within.map(|(_, p)| p).find(|p| !self.statute.points(&p.clause).is_empty())
        });
        if let Some(list) = list {
            let items = self.items(&list.clause.0).into_iter();
            return items
                .enumerate()
                .map(|(index, item)| {
                    let words = item.words.split(" säilitatakse").next().unwrap_or_default();
                    let name = format!("kept_{}", index.saturating_add(1));
                    Stated { name, words: trimmed(words).to_owned(), clause: item.clause }
                })
                .collect();
        }
        let found = headed.and_then(|index| self.speaking(index));
        let clause = found.map_or_else(|| rules.founding.clone(), |provision| provision.clause.0.clone());
        vec![Stated { name: "kept".to_owned(), words: "andmete säilitamine".to_owned(), clause }]
    }

    fn documents(&self, rules: &Rules) -> Vec<Stated> {
        let lists = self.body().filter(|(_, p)| p.text.to_lowercase().contains("alusdokumen"));
        let mut taken = BTreeSet::new();
        let points: Vec<&Provision> = lists.flat_map(|(_, provision)| self.statute.points(&provision.clause)).collect();
        if points.is_empty() {
            let (name, words, clause) = ("document".to_owned(), BLANK.to_owned(), rules.documents.clone());
            return vec![Stated { name, words, clause }];
        }
        let of = |point: &Provision| {
            let words = trimmed(&point.text).to_owned();
            Stated { name: machine_name(&words, &mut taken), words, clause: point.clause.0.clone() }
        };
        points.into_iter().map(of).collect()
    }

    /// Registers from which the text says that data are obtained.
    fn sources(&self) -> Vec<Stated> {
        let mut taken = BTreeSet::new();
        let said = self.body().filter(|(_, p)| p.text.contains("saadakse") || p.text.contains("saadavad"));
        said.filter_map(|(_, provision)| {
            let words: Vec<&str> = trimmed(&provision.text).split(' ').collect();
            let at = words.iter().position(|word| nominative(word).is_some())?;
            let begins = |word: &&&str| word.starts_with(char::is_uppercase);
            let before = words.get(..at).unwrap_or_default().iter().rev().take_while(begins).count();
            let before = words.get(at.saturating_sub(before)..at).unwrap_or_default();
            let mut name: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
            name.extend(words.get(at).and_then(|word| nominative(word)));
            let words = name.join(" ");
            Some(Stated { name: machine_name(&words, &mut taken), words, clause: provision.clause.0.clone() })
        })
        .collect()
    }

    /// A record type for each list of data; a list that says the same again is the same type.
    fn records(&self, retention: &[Stated], rules: &Rules) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        let mut said: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (_, list) in self.body().filter(|(_, provision)| is_list_of_data(&provision.text)) {
            let points = self.statute.points(&list.clause);
            if points.is_empty() {
                continue;
            }
            let texts = points.iter().map(|point| plain(&point.text)).collect();
            if let Some(record) = said.get(&texts).and_then(|index| records.get_mut(*index)) {
                record.repeated_in.push(list.clause.0.clone());
                for (field, point) in record.fields.iter_mut().zip(points) {
                    field.repeated_in.push(point.clause.0.clone());
                }
                continue;
            }
            said.insert(texts, records.len());
            let of_whom = self.of_whom(&list.text);
            let mut names = BTreeSet::new();
            let fields = points.iter().map(|point| proposed(point, &mut names)).collect();
            let last_word = of_whom.rsplit(' ').next().unwrap_or_default().to_lowercase();
            let is_institution = ["asutus", "asutuse", "asutuste"].iter().any(|end| last_word.ends_with(end))
                && !records.iter().any(|record| record.is_institution);
            records.push(Record {
                name: machine_name(&head_words(&of_whom), &mut taken),
                label: format!("{of_whom} andmed"),
                clause: list.clause.0.clone(),
                repeated_in: Vec::new(),
                is_institution,
                retention: nearest(retention, &list.text),
                fields,
            });
        }
        if records.is_empty() {
            let field = Proposed {
                name: "name".to_owned(),
                label: BLANK.to_owned(),
                kind: FieldType::Text,
                several: false,
                clause: rules.founding.clone(),
                repeated_in: Vec::new(),
            };
            records.push(Record {
                name: "record".to_owned(),
                label: BLANK.to_owned(),
                clause: rules.founding.clone(),
                repeated_in: Vec::new(),
                is_institution: false,
                retention: nearest(retention, ""),
                fields: vec![field],
            });
        }
        records
    }

    /// Of whom or what a list is: the words before `kohta`. A name keeps its capital letter: it has one inside of
    /// sentences, too.
    fn of_whom(&self, text: &str) -> String {
        let words = text.split_once(" kohta").map_or(text, |(whom, _)| whom);
        let words = trimmed(words.split_once(" kantakse").map_or(words, |(whom, _)| whom));
        let first = format!(" {} ", words.split(' ').next().unwrap_or_default());
        if self.statute.provisions.iter().any(|provision| provision.text.contains(&first)) {
            return words.to_owned();
        }
        let mut letters = words.chars();
        let first: String = letters.next().map(|c| c.to_lowercase().collect()).unwrap_or_default();
        first + letters.as_str()
    }

    fn clauses(&self) -> Vec<Row> {
        let mut heading = None;
        let mut rows = Vec::new();
        for (at, provision) in self.statute.provisions.iter().enumerate() {
            if provision.part == Part::Paragraph {
                let own = provision.clause.0.clone();
                heading =
                    Some(if provision.heading.is_empty() { own } else { format!("{own}  {}", provision.heading) });
            }
            if self.statute.speaks(at) {
                rows.push(Row { clause: provision.clause.0.clone(), heading: heading.take() });
            }
        }
        rows
    }
}

/// Whether a text introduces a list of data: `Töötaja kohta kantakse andmekogusse järgmised andmed:`.
fn is_list_of_data(text: &str) -> bool {
    const SAID: [&str; 7] = [
        "järgmised andmed",
        "järgmisi andmeid",
        "järgnevad andmed",
        "järgnevaid andmeid",
        "alljärgnevad andmed",
        "andmekogusse kantakse:",
        "registrisse kantakse:",
    ];
    let lower = text.to_lowercase();
    SAID.iter().any(|said| lower.contains(said)) && lower.ends_with(':')
}

/// What a list is of, without what only describes it: of many words the last two.
fn head_words(of_whom: &str) -> String {
    let words: Vec<&str> = of_whom.split(' ').collect();
    let from = if words.len() > 3 { words.len().saturating_sub(2) } else { 0 };
    words.get(from..).unwrap_or_default().join(" ")
}

/// The retention rule of whose words most stand in the words of a list; the first where several have as many.
fn nearest(rules: &[Stated], text: &str) -> String {
    // Estonian words differ at their ends.
    let stems = |text: &str| -> BTreeSet<String> {
        words(text).iter().filter(|w| w.chars().count() > 4).map(|w| w.chars().take(5).collect()).collect()
    };
    let wanted = stems(text);
    let share = |rule: &&Stated| {
        let stems = stems(&rule.words);
        stems.intersection(&wanted).count().saturating_mul(1_000).checked_div(stems.len())
    };
    rules.iter().rev().max_by_key(share).map(|rule| rule.name.clone()).unwrap_or_default()
}

fn proposed(point: &Provision, names: &mut BTreeSet<String>) -> Proposed {
    let label = trimmed(&point.text).to_owned();
    let several = label.contains(", ") || label.contains(" ja ") || label.contains(" ning ") || label.contains('/');
    let kind = if several { FieldType::Text } else { guess(&label) };
    let name = machine_name(&label, names);
    Proposed { name, label, kind, several, clause: point.clause.0.clone(), repeated_in: Vec::new() }
}

/// The type of value that the words of a point suggest.
fn guess(label: &str) -> FieldType {
    let lower = label.to_lowercase();
    let bare = lower.split(" (").next().unwrap_or_default();
    let last = bare.rsplit([' ', '-']).next().unwrap_or_default();
    let ends = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    if bare.contains("e-post") {
        FieldType::Email
    } else if ends(&["registrikood"]) {
        FieldType::RegistryCode
    } else if ends(&["isikukood"]) {
        FieldType::PersonalCode
    } else if bare.contains("arveldusarve number") || bare.contains("kontonumber") {
        FieldType::Iban
    } else if ends(&["telefon", "telefoninumber"]) {
        FieldType::Phone
    } else if ends(&["aadress", "elukoht", "asukoht"]) {
        FieldType::Address
    } else if ends(&["kuupäev", "sünniaeg", "tähtaeg"]) || last == "aeg" {
        FieldType::Date
    } else if ends(&["aasta"]) {
        FieldType::Year
    } else if ends(&["kodakondsus"]) {
        FieldType::Country
    } else if ends(&["keel"]) {
        FieldType::Language
    } else if ends(&["koormus"]) {
        FieldType::Load
    } else if ends(&["palk", "tasu", "maksumus"]) {
        FieldType::Money
    } else if ends(&["arv", "vanus"]) {
        FieldType::Integer
    } else if ends(&["foto"]) {
        FieldType::File
    } else if ends(&["kasutamine", "rakendamine"]) || bare.starts_with("liitumine") {
        FieldType::Boolean
    } else if ends(&["selgitus", "kirjeldus", "info", "märkus", "märkused"]) {
        FieldType::Multiline
    } else {
        FieldType::Text
    }
}

/// A register named as that from which something comes, as it is called: `rahvastikuregistrist`.
fn nominative(word: &str) -> Option<String> {
    let word = trimmed(word);
    let lower = word.to_lowercase();
    let (ending, called) =
        [("registrist", "register"), ("infosüsteemist", "infosüsteem"), ("andmekogust", "andmekogu")]
            .into_iter()
            .find(|(ending, _)| lower.ends_with(ending))?;
    let stem = word.get(..word.len().saturating_sub(ending.len()))?;
    let called = if stem.is_empty() && word.starts_with(char::is_uppercase) {
        let mut letters = called.chars();
        letters.next().map(char::to_uppercase).into_iter().flatten().chain(letters).collect()
    } else {
        called.to_owned()
    };
    Some(format!("{stem}{called}"))
}

/// The provisions that a preamble names, an act's name before each of its numbers.
fn legal_basis(preamble: &str) -> Vec<String> {
    let text = preamble.split_once("kehtestatakse ").map_or(preamble, |(_, rest)| rest);
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let words: Vec<&str> = text.split(' ').collect();
    for word in words {
        quoted |= word.contains('„') || word.contains('«');
        let joins = ["ja", "ning", "alusel", "kooskõlas"].contains(&trimmed(word)) && !quoted;
        if quoted && word.contains(['“', '”', '»']) {
            quoted = false;
        }
        let ends = word.ends_with(',') && !quoted;
        if joins {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            if !part.is_empty() {
                part.push(' ');
            }
            part.push_str(if ends { trimmed(word) } else { word });
            if ends {
                parts.push(String::new());
            }
        }
    }
    let mut act = String::new();
    let mut found = Vec::new();
    for part in parts.iter().map(|part| trimmed(part)).filter(|part| !part.is_empty()) {
        let of_act = match part.split_once('§') {
            Some((name, number)) if name.trim().is_empty() => format!("{act} §{number}"),
            Some((name, _)) => {
                name.trim().clone_into(&mut act);
                part.to_owned()
            }
            None => part.to_owned(),
        };
        if contains(preamble, part) {
            found.push(of_act.trim().to_owned());
        }
    }
    if found.is_empty() { vec![BLANK.to_owned()] } else { found }
}

/// Words without the marks that only end them.
fn trimmed(text: &str) -> &str {
    text.trim().trim_end_matches(['.', ';', ':', ','])
}

/// A machine name of the words of a text as far as they fit, with a number where that is taken.
pub(super) fn machine_name(text: &str, taken: &mut BTreeSet<String>) -> String {
    let plain: String = text.to_lowercase().chars().map(listing::plain).collect();
    let mut name = String::new();
    for word in plain.split(' ').filter(|word| !word.is_empty()) {
        if !name.is_empty() && name.len().saturating_add(word.len()) >= LONGEST_NAME {
            break;
        }
        if !name.is_empty() {
            name.push('_');
        }
        name.push_str(word);
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "x_");
    }
    let (mut free, mut number) = (name.clone(), 1_u32);
    while !taken.insert(free.clone()) {
        number = number.saturating_add(1);
        free = format!("{name}_{number}");
    }
    free
}
