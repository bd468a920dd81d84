//! The session: threads, buffers and the cache, which outlive a build.
//!
//! A process that builds several files pays only once for starting threads, growing the buffers of parsers
//! and compilers, and opening the cache. Builds borrow the session, possibly several at a time. They take
//! contexts from it and give them back at their end.
//!
//! Invariant: an object's bytes do not depend on what the session did before. A context's buffers are cleared
//! for every function, and a context is reused only with the same settings.

use crate::cache::Cache;
use crate::options::Flags;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Up to this many functions are compiled in one thread, because waking others takes longer.
const FEW: usize = 4;

/// Threads, contexts and a cache, which builds borrow.
pub struct Session {
    /// Number of threads that compile; 0 for one per processor.
    jobs: usize,
    /// The threads, started by the first build that needs them. `None` if they can't be started: builds then
    /// use their own thread only.
    pool: OnceLock<Option<ThreadPool>>,
    /// Contexts that no build is using, the least recently used one first.
    idle: Mutex<Vec<Idle>>,
    cache: Option<Cache>,
}

/// An unused context of some target, and its settings.
struct Idle {
    flags: Flags,
    context: Box<dyn Any + Send>,
}

impl Session {
    /// Makes a session without a cache that compiles in this many threads; 0 for one per processor.
    pub fn new(jobs: usize) -> Self {
        Session { jobs, pool: OnceLock::new(), idle: Mutex::default(), cache: None }
    }

    /// Adds a cache to the session.
    pub fn with_cache(self, cache: Cache) -> Self {
        Session { cache: Some(cache), ..self }
    }

    /// Returns the cache, if there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Calls `work` with all numbers below `count`, in all threads. A build in `work` uses its own thread
    /// only, so that as many are built at the same time as there are threads.
    pub fn for_each(&self, count: usize, work: impl Fn(usize) + Sync) {
        let next = AtomicUsize::new(0);
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count);
        self.run(usize::MAX, || std::iter::from_fn(take).for_each(&work));
    }

    /// Whether the current thread is one of the session's, of which each then works for itself.
    fn is_inside(&self) -> bool {
        let pool = self.pool.get().and_then(Option::as_ref);
        pool.is_some_and(|pool| pool.current_thread_index().is_some())
    }

    /// The number of threads in which [`Session::run`] runs work.
    pub(super) fn threads(&self, functions: usize) -> usize {
        match (self.jobs, functions <= FEW || self.is_inside()) {
            (1, _) | (_, true) => 1,
            (0, false) => std::thread::available_parallelism().map_or(1, |count| count.get()),
            (jobs, false) => jobs,
        }
    }

    /// The threads, unless there is one only, too few functions for more, or the current one is among them.
    pub(super) fn pool(&self, functions: usize) -> Option<&ThreadPool> {
        match self.jobs == 1 || functions <= FEW || self.is_inside() {
            true => None,
            false => self
                .pool
                .get_or_init(|| ThreadPoolBuilder::new().num_threads(self.jobs).build().ok())
                .as_ref(),
        }
    }

    /// Runs `work` in each thread, or only in the current one if there are too few functions.
    pub(super) fn run<T: Send>(&self, functions: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
        let pool = self.pool(functions);
        pool.map_or_else(|| vec![work()], |pool| pool.broadcast(|_| work()))
    }

    /// Takes a context of this type with these settings, if an earlier build gave one back.
    pub(super) fn take<C: Any>(&self, flags: &Flags) -> Option<Box<C>> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|idle| idle.flags == *flags && idle.context.is::<C>())?;
        idle.remove(at).context.downcast().ok()
    }

    /// Keeps a context for later builds. The number of contexts is limited to that of threads, so that a
    /// session with many targets and settings doesn't grow.
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
        // No code that can panic runs while the lock is held.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
