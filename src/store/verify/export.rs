//! The log as a file, for whoever verifies it without us; see docs/log.md.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;

use super::batch::each;
use super::body::members;
use super::cells::{Bytes32, KindCell};
use super::{Progress, first, open};
use crate::domain::audit::checkpoint::{Checkpoint, NoteSigner};
use crate::domain::audit::leaf::Leaf;
use crate::store::conn::DatabaseUrl;
use crate::store::error::Error;
use crate::store::read::audit::frontier;
use crate::store::schema::{audit_event, audit_leaf, audit_payload};

/// Lines in one query.
const PAGE: u64 = 4_096;

/// Writes the log of `register` from place `from` up to, not including, `to` (`None`: its end), a line an entry, and says
/// how many lines that was. An event is written word for word as it was committed to.
///
/// # Errors
/// The database cannot be read or `out` not be written; [`Error::Damaged`] for an entry that cannot be written down.
pub fn export(
    url: &DatabaseUrl,
    register: &str,
    from: u64,
    to: Option<u64>,
    out: &mut dyn Write,
    progress: &dyn Fn(Progress<'_>),
) -> Result<u64, Error> {
    let mut conns = open(url, 1)?;
    let conn = first(&mut conns)?;
    let to_i64 = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let last: Option<i64> = audit_leaf::table
        .filter(audit_leaf::register.eq(register))
        .select(diesel::dsl::max(audit_leaf::seq))
        .first(conn)?;
    let size = last
        .and_then(|seq| u64::try_from(seq).ok())
        .map_or(0, |seq| seq + 1);
    let end = to.map_or(size, |to| to.min(size));
    let (mut at, mut written) = (from, 0);
    let mut line = String::new();
    while at < end {
        let until = end.min(at + PAGE);
        each!(
            &mut *conn,
            audit_leaf::table
                .left_join(
                    audit_event::table.on(audit_event::register
                        .eq(audit_leaf::register)
                        .and(audit_event::id.eq(audit_leaf::event_id))),
                )
                .left_join(
                    audit_payload::table.on(audit_payload::register
                        .eq(audit_leaf::register)
                        .and(audit_payload::event_id.eq(audit_leaf::event_id))),
                )
                .filter(audit_leaf::register.eq(register))
                .filter(audit_leaf::seq.ge(to_i64(at)))
                .filter(audit_leaf::seq.lt(to_i64(until)))
                .order(audit_leaf::seq)
                .select((
                    audit_leaf::seq,
                    audit_event::recorded_at.nullable(),
                    audit_event::kind.nullable(),
                    audit_event::commitment.nullable(),
                    audit_payload::salt.nullable(),
                    audit_payload::body.nullable(),
                )),
            (
                i64,
                Option<i64>,
                Option<KindCell>,
                Option<Bytes32>,
                Option<Vec<u8>>,
                Option<String>
            ),
            |(seq, recorded_at, kind, commitment, salt, body)| {
                let damaged = |what: &str| Error::Damaged(format!("leaf {seq} {what}"));
                if to_i64(from + written) != seq {
                    return Err(Error::Damaged(format!(
                        "leaf {} is missing",
                        from + written
                    )));
                }
                let (Some(recorded_at), Some(kind), Some(commitment)) =
                    (recorded_at, kind, commitment)
                else {
                    return Err(damaged("has no event"));
                };
                let leaf = Leaf {
                    seq: from + written,
                    recorded_at_micros: recorded_at,
                    kind: kind.0.ok_or_else(|| damaged("is of no known kind"))?,
                    commitment: commitment
                        .0
                        .ok_or_else(|| damaged("has no whole commitment"))?,
                };
                if let Some(body) = &body
                    && members(body, |_, _| {}).is_none()
                {
                    return Err(damaged("has words that are not canonical JSON"));
                }
                line.clear();
                write_line(&mut line, &leaf, salt.as_deref(), body.as_deref());
                out.write_all(line.as_bytes()).map_err(|e| {
                    Error::Unavailable(format!("the export cannot be written: {e}"))
                })?;
                written += 1;
            }
        );
        if from + written != until {
            return Err(Error::Damaged(format!(
                "leaf {} is missing",
                from + written
            )));
        }
        at = until;
        progress(Progress {
            register,
            done: at - from,
            of: end - from,
        });
    }
    out.flush()
        .map_err(|e| Error::Unavailable(format!("the export cannot be written: {e}")))?;
    Ok(written)
}

/// `{"seq":0,"leaf":"…","salt":"…","event":{…}}`
pub(super) fn write_line(line: &mut String, leaf: &Leaf, salt: Option<&[u8]>, body: Option<&str>) {
    line.push_str("{\"seq\":");
    line.push_str(&leaf.seq.to_string());
    line.push_str(",\"leaf\":\"");
    // A leaf is ASCII without a backslash: its quotes are all there is to escape.
    for part in leaf.text().split_inclusive('"') {
        match part.strip_suffix('"') {
            Some(part) => {
                line.push_str(part);
                line.push_str("\\\"");
            }
            None => line.push_str(part),
        }
    }
    line.push_str("\",\"salt\":");
    match salt {
        Some(salt) => {
            line.push('"');
            STANDARD.encode_string(salt, line);
            line.push('"');
        }
        None => line.push_str("null"),
    }
    line.push_str(",\"event\":");
    line.push_str(body.unwrap_or("null"));
    line.push_str("}\n");
}

/// Signs the tree as it is and says how many leaves that is. Nothing is recorded of it, so that `verify` will not ask for
/// it later: whoever gets it keeps it.
///
/// # Errors
/// [`Error::Damaged`] for a log without entries, or a signer of another log.
pub fn checkpoint_now(
    url: &DatabaseUrl,
    register: &str,
    signer: &NoteSigner,
) -> Result<(String, u64), Error> {
    let mut conns = open(url, 1)?;
    let frontier = frontier(first(&mut conns)?, register)?;
    if frontier.size() == 0 {
        return Err(Error::Damaged(format!(
            "the log of {register} has no entries"
        )));
    }
    let checkpoint = Checkpoint {
        origin: signer.name().to_owned(),
        size: frontier.size(),
        root: frontier.root(),
    };
    let note = signer
        .sign(&checkpoint)
        .map_err(|e| Error::Damaged(e.to_string()))?;
    Ok((note, frontier.size()))
}
