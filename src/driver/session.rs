//! What outlives a build: threads, buffers, and the cache.
//!
//! A process that builds one file after the other pays once for starting threads, for growing the buffers of
//! parsers and compilers, and for opening the cache. Builds borrow the session, several at a time if need be.
//! They take what they use of its contexts and give it back at their end.
//!
//! Invariant: an object's bytes do not depend on what the session did before. A context's buffers are cleared
//! for every function, in a session as within one build, and it is used for settings equal to its own only.

use crate::cache::Cache;
use crate::options::Flags;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Up to this many functions are not worth waking other threads.
const FEW: usize = 4;

/// Threads, contexts and a cache, which builds borrow.
pub struct Session {
    /// How many threads compile; 0 for one per processor.
    jobs: usize,
    /// Started by the first build that needs it. `None` if threads can't be started: then builds have their
    /// own only.
    pool: OnceLock<Option<ThreadPool>>,
    /// Contexts that no build is using, those of the least recent first.
    idle: Mutex<Vec<Idle>>,
    cache: Option<Cache>,
}

/// A context of some target, and the settings it compiles with.
struct Idle {
    flags: Flags,
    context: Box<dyn Any + Send>,
}

impl Session {
    /// A session without a cache that compiles in this many threads; 0 for one per processor.
    pub fn new(jobs: usize) -> Self {
        Session { jobs, pool: OnceLock::new(), idle: Mutex::default(), cache: None }
    }

    /// The session with a cache.
    pub fn with_cache(self, cache: Cache) -> Self {
        Session { cache: Some(cache), ..self }
    }

    /// The cache, if there is one.
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Runs `work` in each thread that compiling so many functions is worth.
    pub(super) fn run<T: Send>(&self, functions: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
        let pool = match self.jobs == 1 || functions <= FEW {
            true => None,
            false => self
                .pool
                .get_or_init(|| ThreadPoolBuilder::new().num_threads(self.jobs).build().ok())
                .as_ref(),
        };
        pool.map_or_else(|| vec![work()], |pool| pool.broadcast(|_| work()))
    }

    /// A context of this type and these settings that an earlier build gave back.
    pub(super) fn take<C: Any>(&self, flags: &Flags) -> Option<Box<C>> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|idle| idle.flags == *flags && idle.context.is::<C>())?;
        idle.remove(at).context.downcast().ok()
    }

    /// Keeps a context for later builds. There are never more than threads, so that a session of many targets
    /// and settings doesn't grow.
    pub(super) fn give_back<C: Any + Send>(&self, flags: Flags, context: Box<C>) {
        let pool = self.pool.get().and_then(Option::as_ref);
        let threads = pool.map_or(1, ThreadPool::current_num_threads);
        let mut idle = self.idle();
        idle.push(Idle { flags, context });
        if idle.len() > threads {
            idle.remove(0);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // No code that may panic runs while it is locked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
