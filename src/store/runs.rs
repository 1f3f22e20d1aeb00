//! Acts with many entries that run in this process, or have just run: how far they are, and a way to end them. It holds
//! no personal data and survives no restart; what was done stands in `import_run`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::acts::batch::Progress;

/// Runs that are remembered; the oldest that is over is forgotten first.
const REMEMBERED: usize = 200;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It goes on.
    Running,
    /// It was a dry run, or it found faults in one.
    Checked,
    /// Everything is entered.
    Done,
    /// Nothing is: there are faults.
    Refused,
    /// Nothing is: somebody ended it.
    Cancelled,
    /// Nothing is: it went wrong.
    Failed,
}

impl RunState {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Checked => "checked",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// One run.
#[derive(Debug)]
pub struct Run {
    /// Id, also of the import that it becomes.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Record type.
    pub record_type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// Whose it is.
    pub made_by: Option<Uuid>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    of: AtomicUsize,
    done: AtomicUsize,
    faulty: AtomicUsize,
    cancelled: AtomicBool,
    now: Mutex<(RunState, &'static str)>,
}

impl Run {
    /// A run that begins.
    pub fn new(
        id: Uuid,
        register: &str,
        record_type: &str,
        institution_id: Uuid,
        made_by: Option<Uuid>,
        started_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            register: register.to_owned(),
            record_type: record_type.to_owned(),
            institution_id,
            made_by,
            started_at,
            of: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            faulty: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            now: Mutex::new((RunState::Running, "reading")),
        }
    }

    fn at(&self) -> (RunState, &'static str) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands.
    pub fn state(&self) -> RunState {
        self.at().0
    }

    /// What it is doing: `reading`, `checking` or `writing`.
    pub fn part(&self) -> &'static str {
        self.at().1
    }

    /// How many rows of how many are done in this part.
    pub fn done(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed))
    }

    /// Rows at fault.
    pub fn faulty(&self) -> usize {
        self.faulty.load(Ordering::Relaxed)
    }

    /// Ends it, unless it is over; whether it was still running.
    pub fn cancel(&self) -> bool {
        self.cancelled.store(true, Ordering::SeqCst);
        self.state() == RunState::Running
    }

    /// It is over.
    pub fn finish(&self, state: RunState, faulty: usize) {
        self.faulty.store(faulty, Ordering::Relaxed);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.0 = state;
    }
}

impl Progress for Run {
    fn tell(&self, part: &'static str, done: usize, of: usize) {
        self.done.store(done, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.1 = part;
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

/// The runs of this process.
#[derive(Debug, Default)]
pub struct Runs(Mutex<Vec<Arc<Run>>>);

impl Runs {
    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a run.
    pub fn begin(&self, run: Run) -> Arc<Run> {
        let run = Arc::new(run);
        let mut list = self.list();
        while list.len() >= REMEMBERED
            && let Some(over) = list.iter().position(|r| r.state() != RunState::Running)
        {
            list.remove(over);
        }
        list.push(run.clone());
        run
    }

    /// A run of a register.
    pub fn find(&self, register: &str, id: Uuid) -> Option<Arc<Run>> {
        self.list().iter().find(|r| r.id == id && r.register == register).cloned()
    }

    /// The runs of a register that go on.
    pub fn running(&self, register: &str) -> Vec<Arc<Run>> {
        self.list().iter().filter(|r| r.register == register && r.state() == RunState::Running).cloned().collect()
    }
}
