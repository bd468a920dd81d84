//! How many threads compile: what `-j` says, or what make's jobserver allows, or one for each processor.
//!
//! make tells its commands of a jobserver in MAKEFLAGS. Every job has one token already; each further thread
//! needs another one, which is returned at the end of the build.

use jobserver::{Acquired, Client};

/// The number of threads, and the tokens for them.
pub struct Jobs {
    /// Number of threads; 0 for one per processor.
    pub threads: usize,
    /// Tokens of the jobserver, returned when dropped.
    _tokens: Vec<Acquired>,
}

/// Decides on the number of threads, given the argument of `-j`.
pub fn new(given: Option<u16>) -> Jobs {
    if let Some(threads) = given {
        return Jobs { threads: threads.into(), _tokens: Vec::new() };
    }
    let Some(client) = client() else { return Jobs { threads: 0, _tokens: Vec::new() } };
    let most = std::thread::available_parallelism().map_or(1, |count| count.get());
    // A thread that would have to wait for a token is not worth it.
    let tokens: Vec<_> = (1..most).map_while(|_| client.try_acquire().ok().flatten()).collect();
    Jobs { threads: 1 + tokens.len(), _tokens: tokens }
}

#[expect(unsafe_code, reason = "the jobserver is given as numbers of open files")]
fn client() -> Option<Client> {
    // SAFETY: clifc has no other files open when it asks, so that the numbers in MAKEFLAGS can only be files
    // that the parent process left open. `from_env` checks that they are pipes.
    unsafe { Client::from_env() }
}
