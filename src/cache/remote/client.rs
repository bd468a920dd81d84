//! Moves packs to and from a shared store, by opendal, in a thread of its own.
//!
//! opendal's operations are asynchronous, and run in a tokio runtime of this one thread: packs are few, and
//! the other threads compile. Many requests are under way at once. Each ends after the timeout at the latest.

use super::lookups::Lookups;
use super::traffic::Traffic;
use opendal::{ErrorKind, HttpTransporter, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqwest::header::{CONNECTION, HeaderMap, HeaderValue};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, watch};
use tokio::time::error::Elapsed;

/// The most requests under way.
const CONCURRENCY: usize = 32;

/// The name of a pack that no store has.
const NOTHING: &str = "none";

enum Request {
    /// Tell lookups whether the store can be used.
    Start(Arc<Lookups>),
    /// Read the pack of a group.
    Get(Arc<Lookups>, usize),
    /// Write a pack.
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

    /// Tells lookups when the store can be asked, or that it can't.
    pub(super) fn start(&self, lookups: &Arc<Lookups>) {
        if self.requests.send(Request::Start(lookups.clone())).is_err() {
            lookups.store_is_down();
        }
    }

    /// Asks for the pack of a group, whose name is known.
    pub(super) fn get(&self, lookups: &Arc<Lookups>, group: usize) {
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
    let operator = operator.map_err(|error| reason(&error))?;
    if !url.contains("http://") {
        return Ok(operator);
    }
    // Loading the system's certificates, which plain HTTP does not need, takes longer than many builds. New
    // connections are cheap in its networks, and servers send what is left when they close one; on those that
    // are kept, the ends of answers often wait for acknowledgements, 40 ms each.
    let closing = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
    let client = reqwest::Client::builder().tls_certs_only([]).default_headers(closing).build();
    let client = client.map_err(|error| error.to_string())?;
    let transport = HttpTransporter::new(ReqwestTransport::new(client));
    let context = operator.context().with_http_transport(transport);
    Ok(operator.with_context(context))
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
    // than all others. So one is made at once, and shows whether the store can be used.
    let (tell, told) = watch::channel(None);
    let (first, shared) = (operator.clone(), traffic.clone());
    tokio::spawn(async move {
        let answer = read(&first, NOTHING, timeout).await;
        let _ = tell.send(Some(note(answer, &shared, true).is_some()));
    });
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    while let Some(request) = requests.recv().await {
        let (operator, traffic) = (operator.clone(), traffic.clone());
        let (mut told, permits) = (told.clone(), permits.clone());
        tokio::spawn(async move {
            // Permits are given in the order of requests. The semaphore is never closed.
            let permit = permits.acquire();
            match request {
                Request::Start(lookups) => match told.wait_for(Option::is_some).await.as_deref() {
                    Ok(Some(true)) => lookups.store_is_up(),
                    Ok(_) | Err(_) => lookups.store_is_down(),
                },
                Request::Get(lookups, group) => {
                    let _permit = permit.await;
                    get(&operator, &lookups, group, timeout, &traffic).await;
                }
                Request::Put(name, bytes) => {
                    let _permit = permit.await;
                    put(&operator, &name, bytes, timeout, &traffic).await;
                }
            }
        });
    }
}

/// Reads a pack; `Ok(None)` if the store does not have it.
async fn read(
    operator: &Operator,
    name: &str,
    timeout: Duration,
) -> Result<opendal::Result<Option<Vec<u8>>>, Elapsed> {
    let answer = tokio::time::timeout(timeout, operator.read(name)).await?;
    Ok(match answer {
        Ok(bytes) => Ok(Some(bytes.to_vec())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    })
}

/// Notes what came of a request, and returns the answer, if there is one. A store that fails is given up at
/// once if `for_good`, and otherwise after a few failures.
fn note<T>(answer: Result<opendal::Result<T>, Elapsed>, traffic: &Traffic, for_good: bool) -> Option<T> {
    match answer {
        Ok(Ok(answer)) => {
            traffic.answered();
            return Some(answer);
        }
        Ok(Err(error)) => traffic.failed(&reason(&error), for_good),
        Err(_) => traffic.failed("it does not answer", true),
    }
    None
}

async fn get(operator: &Operator, lookups: &Lookups, group: usize, timeout: Duration, traffic: &Traffic) {
    let name = lookups.group(group).name.get().filter(|_| !traffic.is_down() && lookups.is_wanted(group));
    let Some(name) = name else { return lookups.miss(group) };
    match note(read(operator, name, timeout).await, traffic, false).flatten() {
        Some(bytes) => lookups.take(group, bytes),
        None => lookups.miss(group),
    }
}

async fn put(operator: &Operator, name: &str, bytes: Vec<u8>, timeout: Duration, traffic: &Traffic) {
    if !traffic.is_down() {
        note(tokio::time::timeout(timeout, operator.write(name, bytes)).await, traffic, false);
    }
    traffic.end_sending();
}
