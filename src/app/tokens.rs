//! Access tokens and refresh tokens.
//!
//! Access tokens are JWTs signed with Ed25519 and nothing else (`alg` is never taken from the token's word), short
//! lived, of type `at+jwt` (RFC 9068). A token says who and which session; whether the session is still open and what
//! its user may do is read from the store in every act. Refresh tokens are random, kept by digest, spent once.

use std::sync::RwLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Error;
use crate::domain::hex;

const ISSUER: &str = "andmekogu";
const TYPE: &str = "at+jwt";

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// An access token.
    pub access: Duration,
    /// A refresh token; also how long a session lives without a request for a new one.
    pub refresh: Duration,
}

/// A signing key with the name under which tokens refer to it.
#[derive(Clone)]
pub struct NamedKey {
    /// `kid`.
    pub kid: String,
    /// Ed25519 seed.
    pub seed: [u8; 32],
}

struct Key {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Makes and checks tokens.
pub struct Tokens {
    /// The first signs, all verify.
    keys: RwLock<Vec<Key>>,
    lifetimes: Lifetimes,
    secret: [u8; 32],
    verified: moka::sync::Cache<[u8; 32], Claims>,
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// User.
    pub sub: Uuid,
    /// Session.
    pub sid: Uuid,
    /// Id of the token.
    pub jti: String,
    /// Made at, seconds.
    pub iat: i64,
    /// Expires at, seconds.
    pub exp: i64,
}

/// A new refresh token: what the client gets, and what is kept.
pub struct Refresh {
    /// For the client.
    pub token: String,
    /// For the store.
    pub digest: String,
    /// When it expires, in microseconds.
    pub expires_at: i64,
}

impl Tokens {
    /// Tokens signed with the first of `keys`; all of them verify. `secret` keys the digests of idempotent requests.
    ///
    /// # Errors
    /// [`Error::Setup`] when there is no key or one cannot be used.
    pub fn new(keys: &[NamedKey], secret: [u8; 32], lifetimes: Lifetimes) -> Result<Self, Error> {
        Ok(Self {
            keys: RwLock::new(prepare(keys)?),
            lifetimes,
            secret,
            // Verifying a signature costs more than everything else of a read; what was verified is kept for a moment.
            verified: moka::sync::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(60)).build(),
        })
    }

    /// Takes other keys into use, as after a rotation. Tokens of keys that are gone are refused from now on.
    ///
    /// # Errors
    /// As [`Tokens::new`]; the old keys then stay.
    pub fn replace(&self, keys: &[NamedKey]) -> Result<(), Error> {
        let fresh = prepare(keys)?;
        match self.keys.write() {
            Ok(mut keys) => *keys = fresh,
            Err(poisoned) => *poisoned.into_inner() = fresh,
        }
        self.verified.invalidate_all();
        Ok(())
    }

    /// How long an access token lives, in seconds.
    pub fn access_seconds(&self) -> u64 {
        self.lifetimes.access.as_secs()
    }

    /// An access token for a session.
    ///
    /// # Errors
    /// When the key refuses to sign.
    pub fn access(&self, user: Uuid, session: Uuid, now: DateTime<Utc>) -> Result<String, Error> {
        let iat = now.timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: user,
            sid: session,
            jti: random_text::<12>()?,
            iat,
            exp: iat.saturating_add(i64::try_from(self.lifetimes.access.as_secs()).unwrap_or(i64::MAX)),
        };
        let keys = match self.keys.read() {
            Ok(keys) => keys,
            Err(poisoned) => poisoned.into_inner(),
        };
        let key = keys.first().ok_or_else(|| Error::Setup("there is no token key".into()))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|e| Error::Setup(e.to_string()))
    }

    /// What a token says, when one of our keys signed it and it has not expired at `now`.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let claims = match self.verified.get(&digest) {
            Some(claims) => claims,
            None => {
                let claims = self.check(token)?;
                self.verified.insert(digest, claims.clone());
                claims
            }
        };
        let seconds = now.timestamp();
        // A minute's difference between clocks of nodes is forgiven for the beginning, never for the end.
        (seconds < claims.exp && claims.iat <= seconds + 60).then_some(claims)
    }

    fn check(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::EdDSA {
            return None;
        }
        let keys = match self.keys.read() {
            Ok(keys) => keys,
            Err(poisoned) => poisoned.into_inner(),
        };
        let key = keys.iter().find(|k| Some(&k.kid) == header.kid.as_ref())?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        // Expiry is compared with the clock that was handed in.
        validation.validate_exp = false;
        jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).ok().map(|t| t.claims)
    }

    /// A new refresh token.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn refresh(&self, now: DateTime<Utc>) -> Result<Refresh, Error> {
        let token = random_text::<32>()?;
        let lifetime = i64::try_from(self.lifetimes.refresh.as_micros()).unwrap_or(i64::MAX);
        let digest = Self::digest(&token);
        Ok(Refresh { token, digest, expires_at: now.timestamp_micros().saturating_add(lifetime) })
    }

    /// The form in which a refresh token is kept.
    pub fn digest(token: &str) -> String {
        hex(&Sha256::digest(token.as_bytes()))
    }

    /// A keyed digest of what a request asks for: equal for equal requests, and of no use to whoever reads the
    /// database without the key.
    pub fn request_digest(&self, parts: &[&[u8]]) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return Vec::new();
        };
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().to_vec()
    }
}

fn prepare(keys: &[NamedKey]) -> Result<Vec<Key>, Error> {
    if keys.is_empty() {
        return Err(Error::Setup("there is no token key".into()));
    }
    keys.iter()
        .map(|key| {
            let signing = SigningKey::from_bytes(&key.seed);
            let der = signing.to_pkcs8_der().map_err(|e| Error::Setup(e.to_string()))?;
            let public = URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
            Ok(Key {
                kid: key.kid.clone(),
                encoding: EncodingKey::from_ed_der(der.as_bytes()),
                decoding: DecodingKey::from_ed_components(&public).map_err(|e| Error::Setup(e.to_string()))?,
            })
        })
        .collect()
}

/// So many random bytes, as text.
///
/// # Errors
/// When the machine gives no randomness.
pub(super) fn random_text<const N: usize>() -> Result<String, Error> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Setup(e.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(seed: u8, kid: &str) -> Tokens {
        let lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(3600) };
        Tokens::new(&[NamedKey { kid: kid.into(), seed: [seed; 32] }], [9; 32], lifetimes).unwrap()
    }
    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let t = tokens(1, "a");
        let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = t.access(user, session, at(0)).unwrap();
        let claims = t.verify(&token, at(299)).unwrap();
        assert_eq!((claims.sub, claims.sid), (user, session));
        assert!(t.verify(&token, at(300)).is_none(), "expired");
        assert!(t.verify(&token, at(-100)).is_none(), "not made yet");
    }

    #[test]
    fn forged_foreign_and_unsigned_tokens_are_refused() {
        let t = tokens(1, "a");
        let good = t.access(Uuid::nil(), Uuid::nil(), at(0)).unwrap();
        let foreign = tokens(2, "a").access(Uuid::nil(), Uuid::nil(), at(0)).unwrap();
        assert!(t.verify(&foreign, at(1)).is_none(), "another key under the same name");
        let unknown = tokens(1, "b").access(Uuid::nil(), Uuid::nil(), at(0)).unwrap();
        assert!(t.verify(&unknown, at(1)).is_none(), "a name that we don't know");
        let mut parts: Vec<&str> = good.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt","kid":"a"}"#);
        parts[0] = &none;
        parts[2] = "";
        assert!(t.verify(&parts.join("."), at(1)).is_none(), "alg none");
        let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"at+jwt","kid":"a"}"#);
        parts[0] = &hmac;
        assert!(t.verify(&parts.join("."), at(1)).is_none(), "another algorithm");
        for n in [10, good.len() / 2, good.len() - 3] {
            let mut bytes = good.clone().into_bytes();
            bytes[n] = if bytes[n] == b'A' { b'B' } else { b'A' };
            assert!(t.verify(&String::from_utf8(bytes).unwrap(), at(1)).is_none(), "changed at {n}");
        }
        assert!(t.verify("", at(1)).is_none());
    }

    #[test]
    fn after_a_rotation_old_tokens_live_as_long_as_their_key_is_kept() {
        let t = tokens(1, "old");
        let token = t.access(Uuid::nil(), Uuid::nil(), at(0)).unwrap();
        let old = NamedKey { kid: "old".into(), seed: [1; 32] };
        let new = NamedKey { kid: "new".into(), seed: [2; 32] };
        t.replace(&[new.clone(), old]).unwrap();
        assert!(t.verify(&token, at(1)).is_some());
        t.replace(&[new]).unwrap();
        assert!(t.verify(&token, at(1)).is_none());
    }

    #[test]
    fn request_digests_keep_their_parts_apart() {
        let t = tokens(1, "a");
        assert_ne!(t.request_digest(&[b"ab", b"c"]), t.request_digest(&[b"a", b"bc"]));
        assert_eq!(t.request_digest(&[b"ab"]), t.request_digest(&[b"ab"]));
    }
}
