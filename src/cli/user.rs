//! `andmekogu user`: users, and the grants that the installation may give.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::failure::Failure;
use super::out;
use super::password;
use super::start::Installation;
use crate::app::App;
use crate::config::Settings;
use crate::domain::access::grant::Basis;
use crate::domain::identity::Country;
use crate::store::acts::grants::NewGrant;

/// Users and their passwords.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Add a user
    Add(Box<Add>),
    /// Set a user's password, and end their sessions
    Password(Password),
}

/// Add a user.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// Name to log in with
    name: String,
    /// Name for people
    #[arg(long)]
    display_name: String,
    /// Personal code with its country, as EE:38001085718
    #[arg(long, value_name = "COUNTRY:CODE", value_parser = personal_code)]
    personal_code: Option<(Country, String)>,
    /// E-mail address for letters
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Language of letters: et, en, fi or sv
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// File whose first line is the password [default: typed, or standard input]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    grant: GrantArguments,
    /// In the database of the demonstration
    #[arg(long)]
    demo: bool,
}

/// A role for the new user, as far as policies permit it to the installation.
#[derive(Debug, Args)]
struct GrantArguments {
    /// A role for the user, as the register's policies permit it to the installation
    #[arg(long, value_name = "REGISTER:ROLE", value_parser = role, requires_all = ["basis_kind", "basis_reference"])]
    grant: Option<(String, String)>,
    /// Kind of what the grant rests on, from the statute's list for the role
    #[arg(long, value_name = "KIND", requires = "grant")]
    basis_kind: Option<String>,
    /// The document it rests on
    #[arg(long, value_name = "TEXT", requires = "grant")]
    basis_reference: Option<String>,
    /// Only for this institution
    #[arg(long, value_name = "ID", requires = "grant")]
    institution: Option<Uuid>,
    /// Only for these sections
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', requires = "grant")]
    sections: Vec<String>,
    /// First day [default: today]
    #[arg(long, value_name = "DATE", requires = "grant")]
    from: Option<NaiveDate>,
    /// Last day
    #[arg(long, value_name = "DATE", requires = "grant")]
    until: Option<NaiveDate>,
}

/// Set a user's password.
#[derive(Debug, Args)]
pub(super) struct Password {
    /// Whose
    name: String,
    /// File whose first line is the password [default: typed, or standard input]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// In the database of the demonstration
    #[arg(long)]
    demo: bool,
}

fn personal_code(text: &str) -> Result<(Country, String), String> {
    let (country, code) = text.split_once(':').ok_or("a country and a code are expected, as EE:38001085718")?;
    let country = country.parse().map_err(|_| "the country is EE or FI")?;
    Ok((country, code.to_owned()))
}

fn role(text: &str) -> Result<(String, String), String> {
    let (register, role) = text.rsplit_once(':').ok_or("a register and a role are expected, as REGISTER:ROLE")?;
    Ok((register.to_owned(), role.to_owned()))
}

impl User {
    /// Does it.
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        match self {
            Self::Add(add) => add.run(settings).await,
            Self::Password(command) => {
                let password = password::read(command.password_file.as_deref())?;
                let app = Installation::new(settings, command.demo).start().await?;
                app.set_password(&command.name, password).await?;
                out::line(format_args!("{}: the password is set, all sessions have ended", command.name))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Add {
    async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let password = password::read(self.password_file.as_deref())?;
        let app = Installation::new(settings, self.demo).start().await?;
        if let Some((register, _)) = &self.grant.grant {
            // Before the user is added: a misspelt register should not leave a user without the grant.
            app.register(register).map_err(|e| Failure::from(e).of(register))?;
        }
        let id = app.add_user(self.name.clone(), self.display_name, self.personal_code, password).await?;
        out::line(format_args!("{} {id}", self.name))?;
        if self.email.is_some() || self.language.is_some() {
            app.reach_user(id, self.email, self.language)
                .await
                .map_err(|e| Failure::from(e).of("the user is added, how to reach them is not"))?;
        }
        self.grant.give(&app, id).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl GrantArguments {
    async fn give(self, app: &App, user_id: Uuid) -> Result<(), Failure> {
        let (Some((register, role)), Some(kind), Some(reference)) = (self.grant, self.basis_kind, self.basis_reference)
        else {
            return Ok(());
        };
        let today = app.register(&register)?.day(app.store.now());
        let new = NewGrant {
            user_id,
            role: role.clone(),
            institution_id: self.institution,
            sections: Some(self.sections).filter(|s| !s.is_empty()),
            from: self.from.unwrap_or(today),
            until: self.until,
            basis: Basis { kind, reference },
            task: None,
            application_id: None,
        };
        let granted = app
            .grant_as_installation(&register, new)
            .await
            .map_err(|e| Failure::from(e).of(format!("the user is added, the grant {register}:{role} is not")))?;
        out::line(format_args!("{register}:{role} {}", granted.get().id))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_roles_are_read_with_what_they_belong_to() {
        assert_eq!(personal_code("EE:38001085718").unwrap().0, Country::Ee);
        assert!(personal_code("38001085718").is_err());
        assert!(personal_code("LV:1").is_err());
        assert_eq!(role("some-register:clerk").unwrap(), ("some-register".to_owned(), "clerk".to_owned()));
        assert!(role("clerk").is_err());
    }
}
