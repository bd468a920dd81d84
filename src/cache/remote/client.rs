//! Moves packs to and from a shared store, by opendal, in a thread of its own.
//!
//! opendal's operations are asynchronous, and run in a tokio runtime of this one thread: packs are few, and
//! the other threads compile. Many requests are under way at once. Each ends after the timeout at the latest.

use super::lookups::Lookups;
use super::traffic::Traffic;
use opendal::{ErrorKind, Operator};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The most requests under way.
const CONCURRENCY: usize = 32;

/// The name of a pack that no store has.
const NOTHING: &str = "none";

enum Request {
    Get(Arc<Lookups>, usize),
    Put(String, Vec<u8>),
}

pub(super) struct Client {
    requests: UnboundedSender<Request>,
    traffic: Arc<Traffic>,
}

impl Client {
    /// Starts the thread.
    pub(super) fn open(url: &str, timeout: Duration, traffic: Arc<Traffic>) -> Result<Self, String> {
        let url = url.to_string();
        let operator = operator(&url)?;
        let (requests, received) = unbounded_channel();
        let shared = traffic.clone();
        let run = move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return shared.failed(&error.to_string(), true),
            };
            runtime.block_on(serve(operator, received, timeout, shared));
            // What is still under way is not waited for.
            runtime.shutdown_background();
        };
        let started = thread::Builder::new().name("shared store".into()).spawn(run);
        started.map_err(|error| error.to_string())?;
        Ok(Client { requests, traffic })
    }

    /// Asks for the pack of a group.
    pub(super) fn get(&self, lookups: &Arc<Lookups>, group: usize) {
        self.traffic.begin();
        if self.requests.send(Request::Get(lookups.clone(), group)).is_err() {
            lookups.miss(group);
        }
    }

    /// Sends a pack.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.traffic.begin_sending();
        if self.requests.send(Request::Put(name.into(), bytes)).is_err() {
            self.traffic.end_sending();
        }
    }
}

/// Makes the operator of a URL.
fn operator(url: &str) -> Result<Operator, String> {
    opendal::install_default();
    // That installs a transport only together with another provider of TLS than `ring`.
    opendal_http_transport_reqwest::install_default();
    // It fails if the process has a provider already, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (scheme, rest) =
        url.split_once("://").ok_or("expected a URL, such as redis://host or file:///directory")?;
    let operator = match scheme {
        "http" | "https" => {
            let (host, root) = rest.split_once('/').unwrap_or((rest, ""));
            let options = [("endpoint", format!("{scheme}://{host}")), ("root", format!("/{root}"))];
            Operator::via_iter("webdav", options.map(|(name, value)| (name.to_string(), value)))
        }
        "file" => Operator::via_iter("fs", [("root".to_string(), rest.to_string())]),
        _ => Operator::from_uri(url),
    };
    operator.map_err(|error| reason(&error))
}

/// What an error says, in a line.
fn reason(error: &opendal::Error) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

async fn serve(
    operator: Operator,
    mut requests: UnboundedReceiver<Request>,
    timeout: Duration,
    traffic: Arc<Traffic>,
) {
    // The first request of most kinds of stores makes connections and loads certificates, which takes longer
    // than all others. So one is made at once; what comes of it, others will show.
    let first = operator.clone();
    tokio::spawn(async move { tokio::time::timeout(timeout, first.read(NOTHING)).await.map(drop) });
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    while let Some(request) = requests.recv().await {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        let (operator, traffic) = (operator.clone(), traffic.clone());
        tokio::spawn(async move {
            match request {
                Request::Get(lookups, group) => get(&operator, &lookups, group, timeout, &traffic).await,
                Request::Put(name, bytes) => put(&operator, &name, bytes, timeout, &traffic).await,
            }
            drop(permit);
        });
    }
}

async fn get(operator: &Operator, lookups: &Lookups, group: usize, timeout: Duration, traffic: &Traffic) {
    if traffic.is_down() || !lookups.is_wanted(group) {
        return lookups.miss(group);
    }
    match tokio::time::timeout(timeout, operator.read(lookups.name(group))).await {
        Ok(Ok(bytes)) => {
            traffic.answered();
            return lookups.take(group, bytes.to_vec());
        }
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => traffic.answered(),
        Ok(Err(error)) => traffic.failed(&reason(&error), false),
        Err(_) => traffic.failed("it does not answer", true),
    }
    lookups.miss(group);
}

async fn put(operator: &Operator, name: &str, bytes: Vec<u8>, timeout: Duration, traffic: &Traffic) {
    if !traffic.is_down() {
        match tokio::time::timeout(timeout, operator.write(name, bytes)).await {
            Ok(Ok(_)) => traffic.answered(),
            Ok(Err(error)) => traffic.failed(&reason(&error), false),
            Err(_) => traffic.failed("it does not answer", true),
        }
    }
    traffic.end_sending();
}
