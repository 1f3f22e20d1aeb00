//! Passwords: argon2id, with a policy that the operator can change.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use super::Error;
use crate::domain::refusal::Refusal;

/// What a password must be, and how it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Fewest characters.
    pub shortest: usize,
    /// Memory in KiB (OWASP: at least 19456).
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

/// Longest password, in bytes: more is no safer and costs time.
const LONGEST: usize = 1024;

/// Passwords that stand first on every list.
const COMMON: &[&str] = &[
    "password",
    "parool",
    "salasana",
    "qwerty",
    "123456",
    "andmekogu",
    "administrator",
    "eesti",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
];

impl Policy {
    /// Checks a new password.
    ///
    /// # Errors
    /// What it lacks; never the password itself.
    pub fn check(&self, password: &str, username: &str) -> Result<(), Refusal> {
        let fault = |code, detail: String| Err(Refusal::invalid("/password", code, detail, None));
        if password.chars().count() < self.shortest {
            return fault("length", format!("at least {} characters", self.shortest));
        }
        if password.len() > LONGEST {
            return fault("length", format!("at most {LONGEST} bytes"));
        }
        let plain: String = password.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
        if COMMON.contains(&plain.as_str()) || plain == username.to_lowercase() {
            return fault("common", "a word that everybody tries first, or the user name, is no password".into());
        }
        Ok(())
    }

    fn argon2(&self) -> Result<Argon2<'static>, Error> {
        let params = Params::new(self.memory_kib, self.passes, 1, None).map_err(|e| Error::Setup(e.to_string()))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    /// Hashes a password. Takes tens of milliseconds: not on an async thread.
    ///
    /// # Errors
    /// When the parameters cannot be used.
    pub fn hash(&self, password: &str) -> Result<String, Error> {
        let hash = self.argon2()?.hash_password(password.as_bytes()).map_err(|e| Error::Setup(e.to_string()))?;
        Ok(hash.to_string())
    }

    /// Whether the password is the one hashed; without a hash the same time is spent and the answer is no.
    pub fn verify(&self, password: &str, hash: Option<&str>) -> bool {
        // Of no password at all: fixed text, with the parameters of our own hashes, so that it takes as long.
        let nobody = format!(
            "$argon2id$v=19$m={},t={},p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            self.memory_kib, self.passes
        );
        if password.len() > LONGEST {
            return false;
        }
        let Ok(parsed) = PasswordHash::new(hash.unwrap_or(&nobody)) else {
            return false;
        };
        Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && hash.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { shortest: 12, memory_kib: 64, passes: 1 };

    #[test]
    fn only_the_right_password_opens() {
        let hash = POLICY.hash("maasikas ja piim").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(POLICY.verify("maasikas ja piim", Some(&hash)));
        assert!(!POLICY.verify("maasikas ja kohv", Some(&hash)));
        assert!(!POLICY.verify("maasikas ja piim", None), "a user that does not exist has no password");
        assert_ne!(hash, POLICY.hash("maasikas ja piim").unwrap(), "salted");
    }

    #[test]
    fn weak_passwords_are_refused_and_never_repeated() {
        for weak in ["short", "Password1234!", "hr.clerk-2026-hr"] {
            let refusal = POLICY.check(weak, "hrclerkhr").unwrap_err();
            assert!(!format!("{refusal:?}").contains(weak), "{weak}");
        }
        assert!(POLICY.check("maasikas ja piim", "hr_clerk").is_ok());
    }
}
