//! The shared store: what a team's builds compiled, behind the local store of each.
//!
//! A shared store is somebody else's service: it takes a round trip to answer, may be slow or down, and
//! others can write to it. Looking up thousands of functions one by one takes longer there than compiling
//! them, so what it keeps is packs: the code of a run of consecutive functions, under a name that their texts
//! determine ([`pack`]). Where runs end depends on the functions too, so that an edit changes one pack
//! ([`groups`]). All packs that a build lacks are asked for as soon as the store is known to answer, by a
//! thread of their own (`client`), while workers wait or compile (`lookups`).
//!
//! Invariants. A pack is used only if its authentication code, made with the team's key, fits its name and
//! its bytes. A build waits for the store no longer than a small part of the time that compiling takes, plus
//! half of the time that the store has saved it. Every problem is a warning.

#[cfg(feature = "remote")]
mod client;
pub mod groups;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "only the client delivers packs"))]
mod lookups;
#[cfg(not(feature = "remote"))]
mod no_client;
pub mod pack;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "only the client has any"))]
mod traffic;

#[cfg(not(feature = "remote"))]
use no_client as client;

pub(crate) use lookups::{Group, Lookups, Task};
pub use pack::Seal;

use client::Client;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use traffic::Traffic;

/// How to use a shared store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteOptions {
    /// Where it is, such as `redis://host:6379/0` or `s3://bucket/directory?region=…`.
    pub url: String,
    /// Whether packs are read, written or both.
    pub mode: RemoteMode,
    /// The team's key; empty for none.
    pub key: Vec<u8>,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a build may wait in any case.
    pub wait: Duration,
}

/// Whether packs of a shared store are read, written or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RemoteMode {
    /// Both.
    #[default]
    ReadWrite,
    /// Only read, as on machines that nobody vouches for.
    ReadOnly,
    /// Only written: everything is compiled.
    WriteOnly,
}

impl FromStr for RemoteMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "read-write" => Ok(RemoteMode::ReadWrite),
            "read-only" => Ok(RemoteMode::ReadOnly),
            "write-only" => Ok(RemoteMode::WriteOnly),
            _ => Err("expected read-write, read-only or write-only".into()),
        }
    }
}

/// How long packs may be sent at the end of a build, if that suffices.
const MOMENT: Duration = Duration::from_millis(300);

/// A shared store in use.
pub struct Remote {
    options: RemoteOptions,
    seal: Seal,
    client: Client,
    traffic: Arc<Traffic>,
}

impl Remote {
    /// Starts to use a shared store. Whether it can be reached shows later.
    pub fn open(options: RemoteOptions) -> Result<Self, String> {
        let seal = Seal::new(&options.key);
        let traffic = Arc::new(Traffic::new());
        let client = Client::open(&options.url, options.timeout, traffic.clone())?;
        Ok(Remote { options, seal, client, traffic })
    }

    /// The team's seal.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Starts lookups of groups, for this number of workers.
    pub(crate) fn lookups(&self, groups: Vec<Group>, threads: usize) -> Arc<Lookups> {
        let lookups = Lookups::new(groups, self.seal.clone(), threads, self.options.wait);
        let lookups = Arc::new(lookups);
        match self.options.mode {
            RemoteMode::ReadWrite | RemoteMode::ReadOnly => self.client.start(&lookups),
            RemoteMode::WriteOnly => lookups.store_is_down(),
        }
        lookups
    }

    /// Asks for the pack of a group, whose name is known.
    pub(crate) fn ask(&self, lookups: &Arc<Lookups>, group: usize) {
        self.client.get(lookups, group);
    }

    /// Whether packs can be sent now: the store has answered, and is to be written to.
    pub(crate) fn takes_packs(&self) -> bool {
        self.options.mode != RemoteMode::ReadOnly && self.traffic.is_up()
    }

    /// Waits for the store's first answer, for at most this time.
    pub(crate) fn wait_for_answer(&self, time: Duration) {
        self.traffic.wait_for_answer(time);
    }

    /// Sends a pack to the store in the background. Returns the number of bytes.
    pub(crate) fn store(&self, name: &str, bytes: Vec<u8>) -> u64 {
        let count = bytes.len() as u64;
        self.client.put(name, bytes);
        count
    }

    /// Takes the problems since the last call.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.traffic.take_warnings()
    }

    /// Whether the store has not answered in the time that most stores take, and is not known to be down.
    pub(crate) fn is_silent(&self) -> bool {
        self.traffic.is_silent()
    }

    /// Waits until packs are sent, for at most `share`, a small part of the build's time, or a moment if the
    /// store takes packs so fast that this is enough. Returns the number of packs that were not sent.
    pub fn finish(&self, share: Duration) -> usize {
        let RemoteOptions { timeout, wait, .. } = self.options;
        let [share, most] = [share, share.max(MOMENT)].map(|time| time.min(timeout).max(wait));
        self.traffic.wait(share, most)
    }
}
