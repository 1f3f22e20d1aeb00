//! Seeds: what a demonstration of a register begins with, as data.
//!
//! The files `seeds/<register>/demo/*.toml` are entered in the order of their names, and of each file the users, the
//! grants, the documents, the records, the imports, the changes and the ends, in this order. Every one is an act by a named
//! actor, under the register's policies; a grant that names nobody is given by the installation. What stands for ids,
//! days, codes and files is said in [`super::values`].

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::failure::Failure;
use super::PASSWORD;
use super::values::{self, Names};
use crate::app::documents::Incoming;
use crate::app::imports::{Mended, NewImport};
use crate::app::{ActContext, App};
use crate::domain::access::grant::Basis;
use crate::domain::case::{NewCase, Step};
use crate::domain::identity::Country;
use crate::domain::refusal::Refusal;
use crate::domain::statute::procedures::{Procedure, StepKind};
use crate::store::acts::documents::DocumentData;
use crate::store::acts::grants::NewGrant;
use crate::store::acts::records::{Amendment, NewRecord};
use crate::{app, store};

/// Folder of the files, in the folder of a register's seeds.
const FOLDER: &str = "demo";

/// All seed files of a register.
#[derive(Debug)]
pub(super) struct Seeds {
    folder: PathBuf,
    files: Vec<(PathBuf, SeedFile)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFile {
    /// Who enters what names nobody.
    by: Option<String>,
    #[serde(default, rename = "user")]
    users: Vec<User>,
    #[serde(default, rename = "grant")]
    grants: Vec<Grant>,
    #[serde(default, rename = "document")]
    documents: Vec<Document>,
    #[serde(default, rename = "record")]
    records: Vec<Record>,
    #[serde(default, rename = "import")]
    imports: Vec<Import>,
    #[serde(default, rename = "change")]
    changes: Vec<Change>,
    #[serde(default, rename = "end")]
    ends: Vec<End>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    username: String,
    display_name: String,
    personal_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    user: String,
    role: String,
    by: Option<String>,
    institution: Option<String>,
    sections: Option<Vec<String>>,
    from: Option<String>,
    until: Option<String>,
    /// For what task, where the role asks for one.
    task: Option<String>,
    /// Who applies for it and who decides, where the role asks for an application.
    application: Option<Applied>,
    basis: Basis,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Applied {
    by: String,
    decided_by: String,
    /// Outcome of the definition.
    outcome: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    by: Option<String>,
    institution: Option<String>,
    file: Option<String>,
    data: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    by: Option<String>,
    institution: Option<String>,
    effective_on: String,
    documents: Vec<String>,
    data: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    #[serde(rename = "type")]
    record_type: String,
    /// A sheet beside the seeds.
    file: String,
    by: Option<String>,
    institution: String,
    effective_on: String,
    documents: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    record: String,
    by: Option<String>,
    effective_on: String,
    documents: Vec<String>,
    data: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    record: String,
    by: Option<String>,
    on: String,
    ground: Option<String>,
    documents: Vec<String>,
    #[serde(default)]
    data: Value,
}

impl Seeds {
    /// The seeds in `folder`; none where there is no such folder.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let folder = folder.join(FOLDER);
        if !folder.is_dir() {
            return Ok(None);
        }
        let failed = |path: &Path, e: &dyn std::fmt::Display| Failure::other(format!("{}: {e}", path.display()));
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(|e| failed(&folder, &e))? {
            let path = entry.map_err(|e| failed(&folder, &e))?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut files = Vec::new();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|e| failed(&path, &e))?;
            let file = toml::from_str(&text).map_err(|e| failed(&path, &e))?;
            files.push((path, file));
        }
        Ok(Some(Self { folder, files }))
    }

    /// Names of the users, and what they are.
    pub(super) fn users(&self) -> impl Iterator<Item = (String, String)> {
        self.files.iter().flat_map(|(_, file)| &file.users).map(|u| (u.username.clone(), u.display_name.clone()))
    }
}

/// Enters all seeds of a register and says how many records there are.
///
/// # Errors
/// The first act that was refused, with the file and the name of what it would have entered.
pub(super) async fn run(app: &App, register: &str, seeds: &Seeds) -> Result<usize, Failure> {
    let found = app.register(register)?;
    let today = found.day(app.store.now());
    let country = found.definition.register.country.parse::<Country>().ok();
    let mut seeding = Seeding {
        app,
        register,
        folder: &seeds.folder,
        today,
        names: Names { country, ..Names::default() },
        records: HashMap::new(),
        users: HashMap::new(),
        documents: HashMap::new(),
        imported: 0,
    };
    for (path, file) in &seeds.files {
        seeding.file(file).await.map_err(|e| e.of(path.display()))?;
    }
    Ok(seeding.records.len() + seeding.imported)
}

struct Seeding<'a> {
    app: &'a App,
    register: &'a str,
    folder: &'a Path,
    today: NaiveDate,
    names: Names,
    /// Type and version of each record entered.
    records: HashMap<String, (String, i64)>,
    users: HashMap<String, Uuid>,
    documents: HashMap<String, Uuid>,
    /// Records that came in sheets.
    imported: usize,
}

impl Seeding<'_> {
    async fn file(&mut self, file: &SeedFile) -> Result<(), Failure> {
        let default = file.by.as_deref();
        self.add_users(&file.users).await?;
        for grant in &file.grants {
            let what = format!("grant of {} to {}", grant.role, grant.user);
            self.grant(grant).await.map_err(|e| e.of(what))?;
        }
        for document in &file.documents {
            let what = format!("document {}", document.name);
            self.document(document, default).await.map_err(|e| e.of(what))?;
        }
        self.store_files(file).await?;
        for record in &file.records {
            let what = format!("record {}", record.name);
            self.record(record, default).await.map_err(|e| e.of(what))?;
        }
        for import in &file.imports {
            let what = format!("import of {}", import.file);
            self.import(import, default).await.map_err(|e| e.of(what))?;
        }
        for change in &file.changes {
            let what = format!("change of {}", change.record);
            self.change(change, default).await.map_err(|e| e.of(what))?;
        }
        for end in &file.ends {
            let what = format!("end of {}", end.record);
            self.end(end, default).await.map_err(|e| e.of(what))?;
        }
        Ok(())
    }

    /// Adds users side by side, since each password takes a while to hash. One that another register's seeds have
    /// added is the same person.
    async fn add_users(&mut self, users: &[User]) -> Result<(), Failure> {
        let mut adding = Vec::new();
        for user in users {
            match self.app.user_named(&user.username).await {
                Ok(id) => {
                    self.users.insert(user.username.clone(), id);
                }
                Err(app::Error::Store(store::Error::Refused(Refusal::NotFound { .. }))) => {
                    let code = match &user.personal_code {
                        Some(code) => Some((self.names.country.unwrap_or(Country::Ee), self.text(code)?)),
                        None => None,
                    };
                    adding.push(async {
                        let (name, display) = (user.username.clone(), user.display_name.clone());
                        let added = self.app.add_user(name, display, code, PASSWORD.to_owned());
                        match added.await {
                            Ok(id) => Ok((user.username.clone(), id)),
                            Err(e) => Err(Failure::from(e).of(format!("user {}", user.username))),
                        }
                    });
                }
                Err(e) => return Err(e.into()),
            }
        }
        let added = try_join_all(adding).await?;
        self.users.extend(added);
        Ok(())
    }

    async fn grant(&self, grant: &Grant) -> Result<(), Failure> {
        let until = match &grant.until {
            Some(until) => Some(self.day(until)?),
            None => None,
        };
        let application_id = match &grant.application {
            Some(applied) => Some(self.apply(grant, applied).await?),
            None => None,
        };
        let new = NewGrant {
            user_id: self.user(&grant.user)?,
            role: grant.role.clone(),
            institution_id: self.institution(grant.institution.as_deref())?,
            sections: grant.sections.clone(),
            from: grant.from.as_deref().map_or(Ok(self.today), |d| self.day(d))?,
            until,
            basis: grant.basis.clone(),
            task: grant.task.clone(),
            application_id,
        };
        match &grant.by {
            None => self.app.grant_as_installation(self.register, new).await?,
            Some(by) => {
                let cx = ActContext::user(self.user(by)?);
                let register = self.register.to_owned();
                self.app.issue_grant(cx, register, new).await?
            }
        };
        Ok(())
    }

    /// Applies for the grant and has it decided.
    async fn apply(&self, grant: &Grant, applied: &Applied) -> Result<Uuid, Failure> {
        let register = self.app.register(self.register)?;
        let kind = register.case_kind_of(Procedure::Access).map(|k| k.name.clone());
        let kind = kind.ok_or_else(|| Failure::other("the statute knows no application for access"))?;
        let new = NewCase {
            kind,
            institution_id: self.institution(grant.institution.as_deref())?,
            subject: format!("{}: {}", grant.role, grant.user),
            text: grant.basis.reference.clone(),
            details: json!({
                "wants": "grant",
                "name": grant.user,
                "user_id": self.user(&grant.user)?,
                "role": grant.role,
                "sections": grant.sections,
            }),
            ..NewCase::default()
        };
        let name = self.register.to_owned();
        let opened = self.app.open_case(ActContext::user(self.user(&applied.by)?), name.clone(), new).await?;
        let case = &opened.get().case;
        let mut step = Step::new(StepKind::Decide, grant.basis.reference.clone());
        step.outcome = Some(applied.outcome.clone());
        let cx = ActContext { if_match: Some(case.version), ..ActContext::user(self.user(&applied.decided_by)?) };
        self.app.take_case_step(cx, name, case.id, step).await?;
        Ok(case.id)
    }

    async fn document(&mut self, document: &Document, by: Option<&str>) -> Result<(), Failure> {
        let data = values::resolve(&document.data, &self.names, self.today).map_err(Failure::other)?;
        let mut data: DocumentData = serde_json::from_value(data).map_err(|e| Failure::other(e.to_string()))?;
        data.institution_id = self.institution(document.institution.as_deref())?;
        let file = document.file.as_deref().map(|name| self.incoming(name)).transpose()?;
        let cx = self.actor(document.by.as_deref(), by)?;
        let register = self.register.to_owned();
        let added = self.app.add_document(cx, register, data, file).await?;
        self.documents.insert(document.name.clone(), added.get().id);
        Ok(())
    }

    /// Stores the files that records speak of, each once, by whoever enters the first of them.
    async fn store_files(&mut self, file: &SeedFile) -> Result<(), Failure> {
        let default = file.by.as_deref();
        let records = file.records.iter().map(|r| (r.by.as_deref(), &r.data));
        let changes = file.changes.iter().map(|c| (c.by.as_deref(), &c.data));
        let mut wanted = Vec::new();
        for (by, data) in records.chain(changes) {
            let mut names = Vec::new();
            values::files(data, &mut names);
            wanted.extend(names.into_iter().map(|name| (by, name)));
        }
        let mut seen = HashSet::new();
        for (by, name) in wanted {
            if self.names.files.contains_key(&name) || !seen.insert(name.clone()) {
                continue;
            }
            let incoming = self.incoming(&name)?;
            let cx = self.actor(by, default)?;
            let register = self.register.to_owned();
            let stored = self.app.add_file(cx, register, incoming).await.map_err(|e| Failure::from(e).of(&name))?;
            self.names.files.insert(name, stored.get().sha256.clone());
        }
        Ok(())
    }

    async fn record(&mut self, record: &Record, by: Option<&str>) -> Result<(), Failure> {
        let new = NewRecord {
            record_type: record.record_type.clone(),
            institution_id: self.institution(record.institution.as_deref())?,
            effective_on: self.day(&record.effective_on)?,
            base_document_ids: self.documents(&record.documents)?,
            data: values::resolve(&record.data, &self.names, self.today).map_err(Failure::other)?,
        };
        let cx = self.actor(record.by.as_deref(), by)?;
        let register = self.register.to_owned();
        let made = self.app.create_record(cx, register, new).await?;
        let view = made.get();
        self.names.records.insert(record.name.clone(), view.id);
        let known = (record.record_type.clone(), view.version);
        self.records.insert(record.name.clone(), known);
        Ok(())
    }

    async fn import(&mut self, import: &Import, by: Option<&str>) -> Result<(), Failure> {
        let new = NewImport {
            record_type: import.record_type.clone(),
            institution_id: self.id(&import.institution)?,
            effective_on: self.day(&import.effective_on)?,
            base_document_ids: self.documents(&import.documents)?,
            mapping: None,
            keep_mapping: false,
            sheet: None,
            delimiter: None,
            encoding: None,
            header_row: None,
            creates: true,
            changes: true,
            mended: Mended::default(),
            dry_run: false,
        };
        let cx = self.actor(import.by.as_deref(), by)?;
        let file = self.incoming(&import.file)?;
        let done = self.app.import(cx, self.register.to_owned(), new, file).await?;
        let report = done.report.get();
        match report.faults.first() {
            None => {
                self.imported += report.new;
                Ok(())
            }
            Some(f) => Err(Failure::other(format!("row {}, {}: {}", f.row, f.column, f.detail))),
        }
    }

    async fn change(&mut self, change: &Change, by: Option<&str>) -> Result<(), Failure> {
        let id = self.id(&change.record)?;
        let (record_type, version) = self.known(&change.record)?;
        let amendment = Amendment {
            effective_on: Some(self.day(&change.effective_on)?),
            base_document_ids: self.documents(&change.documents)?,
            data: values::resolve(&change.data, &self.names, self.today).map_err(Failure::other)?,
            entry_id: None,
            reason: None,
            ground: None,
        };
        let mut cx = self.actor(change.by.as_deref(), by)?;
        cx.if_match = Some(version);
        let register = self.register.to_owned();
        let changed = self.app.change_record(cx, register, record_type.clone(), id, amendment).await?;
        let known = (record_type, changed.get().version);
        self.records.insert(change.record.clone(), known);
        Ok(())
    }

    async fn end(&mut self, end: &End, by: Option<&str>) -> Result<(), Failure> {
        let id = self.id(&end.record)?;
        let (record_type, _) = self.known(&end.record)?;
        let amendment = Amendment {
            effective_on: Some(self.day(&end.on)?),
            base_document_ids: self.documents(&end.documents)?,
            data: values::resolve(&end.data, &self.names, self.today).map_err(Failure::other)?,
            entry_id: None,
            reason: None,
            ground: end.ground.clone(),
        };
        let cx = self.actor(end.by.as_deref(), by)?;
        let register = self.register.to_owned();
        let ended = self.app.end_record(cx, register, record_type.clone(), id, amendment).await?;
        let known = (record_type, ended.get().version);
        self.records.insert(end.record.clone(), known);
        Ok(())
    }

    fn incoming(&self, name: &str) -> Result<Incoming, Failure> {
        let path = self.folder.join(name);
        let inside = !name.contains("..") && Path::new(name).is_relative();
        if !inside {
            return Err(Failure::other(format!("{name} does not lie beside the seeds")));
        }
        let bytes = std::fs::read(&path).map_err(|e| Failure::other(format!("{}: {e}", path.display())))?;
        Ok(Incoming { name: name.to_owned(), claimed: None, bytes })
    }

    fn actor(&self, own: Option<&str>, default: Option<&str>) -> Result<ActContext, Failure> {
        match own.or(default) {
            Some(name) => Ok(ActContext::user(self.user(name)?)),
            None => Ok(ActContext::installation("demo")),
        }
    }

    fn user(&self, name: &str) -> Result<Uuid, Failure> {
        self.users.get(name).copied().ok_or_else(|| Failure::other(format!("no user before is called {name}")))
    }

    fn institution(&self, name: Option<&str>) -> Result<Option<Uuid>, Failure> {
        name.map(|name| self.id(name)).transpose()
    }

    fn id(&self, name: &str) -> Result<Uuid, Failure> {
        values::record(name, &self.names).map_err(Failure::other)
    }

    fn known(&self, name: &str) -> Result<(String, i64), Failure> {
        self.records
            .get(name)
            .cloned()
            .ok_or_else(|| Failure::other(format!("no record entered before is called {name}")))
    }

    fn documents(&self, names: &[String]) -> Result<Vec<Uuid>, Failure> {
        let find = |name: &String| {
            let id = self.documents.get(name).copied();
            id.ok_or_else(|| Failure::other(format!("no document before is called {name}")))
        };
        names.iter().map(find).collect()
    }

    fn text(&self, text: &str) -> Result<String, Failure> {
        let value =
            values::resolve(&Value::String(text.to_owned()), &self.names, self.today).map_err(Failure::other)?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// A day, with `day:` in front or without.
    fn day(&self, text: &str) -> Result<NaiveDate, Failure> {
        let text = text.strip_prefix("day:").unwrap_or(text);
        values::day(text, self.today).map_err(Failure::other)
    }
}
