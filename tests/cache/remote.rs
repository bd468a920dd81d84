//! The shared store: what it has is found, and whatever happens to it costs a warning.

use super::{Numbers, count, directory, program, targets};
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const KEY: &str = "a key that the team has";

/// Runs `clifc build` with an empty local cache, or the one that is named.
fn clifc(directory: &Path, url: &str, local: Option<&str>, options: &[&str]) -> Output {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let own = format!("local-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    command.args(["build", "--cache-stats", "--cache-remote", url, "--cache-remote-timeout", "60"]);
    command.arg(format!("--cache={}", local.unwrap_or(&own))).args(options).arg("file.clif");
    command.env("CLIFC_CACHE_KEY", KEY).env_remove("CLIFC_CACHE_REMOTE").current_dir(directory);
    command.output().expect("clifc starts")
}

/// Builds a text, and waits for a store that works; returns the object and what was said.
fn built_by(directory: &Path, text: &str, url: &str, options: &[&str]) -> (Vec<u8>, String) {
    built_with(directory, text, url, &[&["--cache-remote-wait", "60"], options].concat())
}

/// Builds a text; returns the object and what was said.
fn built_with(directory: &Path, text: &str, url: &str, options: &[&str]) -> (Vec<u8>, String) {
    fs::write(directory.join("file.clif"), text).expect("a file");
    let output = clifc(directory, url, None, options);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (fs::read(directory.join("file.o")).expect("an object"), said)
}

fn plain(directory: &Path, text: &str) -> Vec<u8> {
    super::built(directory, text, &[]).0
}

/// A Redis server, which ends with the test.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start(options: &[&str]) -> Self {
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
            "--bind",
            "127.0.0.1",
        ]);
        command.args(options).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("redis-server is installed: scripts/test does that");
        wait_for(port, "redis-server");
        Redis { child, port }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends commands, and returns the lines of the answers.
    fn commands(&self, commands: &[String]) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server runs");
        let text = commands.concat() + "QUIT\r\n";
        stream.write_all(text.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.lines().map(String::from).collect()
    }

    /// The names of all entries.
    fn names(&self) -> Vec<String> {
        let mut lines = self.commands(&["KEYS *\r\n".into()]);
        lines.retain(|line| !line.starts_with(['*', '$', '+']));
        lines.sort();
        lines
    }

    fn damage(&self) {
        let names = self.names();
        self.commands(&names.iter().map(|name| format!("SETRANGE {name} 40 damage\r\n")).collect::<Vec<_>>());
    }

    /// Gives each entry the name of another.
    fn swap(&self) {
        let names = self.names();
        let spare = &["spare".to_string()];
        let from = names.iter().chain(spare);
        let to = spare.iter().chain(&names);
        self.commands(&from.zip(to).map(|(from, to)| format!("RENAME {from} {to}\r\n")).collect::<Vec<_>>());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of S3 (moto), which ends with the test.
struct S3 {
    child: Child,
    port: u16,
}

impl S3 {
    fn start() -> Self {
        let port = free_port();
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/moto");
        let mut command = Command::new("python3");
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        command.env("PYTHONPATH", modules).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("Python is installed");
        wait_for(port, "moto, which scripts/test installs,");
        let s3 = S3 { child, port };
        s3.put("/bucket", b"");
        s3
    }

    fn url(&self) -> String {
        s3_url(self.port)
    }

    /// Sends a request, and returns the whole answer.
    fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server runs");
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
        // Others than the owner may not change objects; signatures are not checked.
        let head = format!("{head}Authorization: AWS a:b\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        answer
    }

    fn put(&self, path: &str, contents: &[u8]) {
        let answer = self.request("PUT", path, contents);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
    }

    /// The names of all objects.
    fn names(&self) -> Vec<String> {
        let list = self.request("GET", "/bucket", b"");
        let list = String::from_utf8_lossy(&list);
        let names = list.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        names.map(|(name, _)| format!("/bucket/{name}")).collect()
    }

    fn damage(&self) {
        for name in self.names() {
            self.put(&name, b"something else");
        }
    }

    /// Gives each object the contents of another.
    fn swap(&self) {
        let names = self.names();
        let contents = names.iter().map(|name| {
            let answer = self.request("GET", name, b"");
            let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an empty line");
            answer[head + 4..].to_vec()
        });
        let mut contents: Vec<_> = contents.collect();
        contents.rotate_left(1);
        for (name, contents) in names.iter().zip(contents) {
            self.put(name, &contents);
        }
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The URL of a bucket on a server of S3.
fn s3_url(port: u16) -> String {
    let server = format!("s3://bucket/?region=us-east-1&endpoint=http://127.0.0.1:{port}");
    server + "&access_key_id=a&secret_access_key=b&disable_config_load=true"
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Waits until a server listens.
fn wait_for(port: u16, server: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "{server} starts");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What a proxy does with an answer of the server.
#[derive(Clone, Copy)]
enum Mishap {
    /// Passes nothing on, and keeps the connection.
    Stall,
    /// Passes on so many bytes of each connection and then closes it.
    Truncate(usize),
    /// Replaces so many bytes of each connection, from this position on.
    Garble(usize, usize),
    /// Passes on each piece late.
    Delay(Duration),
}

/// Starts a proxy before a server; returns its port. It ends with the process.
fn proxy(server: u16, mishap: Mishap) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(to) = TcpStream::connect(("127.0.0.1", server)) else { continue };
            let (Ok(from_client), Ok(to_server)) = (client.try_clone(), to.try_clone()) else { continue };
            thread::spawn(move || pass(from_client, to_server, None));
            thread::spawn(move || pass(to, client, Some(mishap)));
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, mishap: Option<Mishap>) {
    let (mut buffer, mut passed) = (vec![0; 1 << 16], 0);
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut bytes = buffer[..read].to_vec();
        match mishap {
            Some(Mishap::Stall) => continue,
            Some(Mishap::Truncate(most)) => bytes.truncate(most.saturating_sub(passed)),
            Some(Mishap::Garble(start, length)) => {
                let at = |position: usize| position.saturating_sub(passed).min(bytes.len());
                let range = at(start)..at(start + length);
                bytes[range].fill(b'?');
            }
            Some(Mishap::Delay(time)) => thread::sleep(time),
            None => {}
        }
        passed += read;
        if to.write_all(&bytes).is_err() || bytes.len() < read {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Starts a server of HTTP that has nothing and no room; returns its port. It ends with the process.
fn full_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut request = vec![0; 1 << 20];
                let Ok(length) = client.read(&mut request) else { return };
                let status = if request[..length].starts_with(b"PUT") { "507 Full" } else { "404 Not Found" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = client.write_all(answer.as_bytes());
            });
        }
    });
    port
}

#[test]
fn what_one_builds_others_find() {
    let (redis, s3) = (Redis::start(&[]), S3::start());
    for target in targets() {
        let directory = directory(&format!("remote_{target}"));
        let text = program(200, 1, "f", "g");
        fs::write(directory.join("file.clif"), &text).expect("a file");
        let shared = format!("file://{}", directory.join("shared").display());
        for (url, debug) in [(redis.url(), false), (s3.url(), false), (shared, true)] {
            let options = [&["--target", target][..], if debug { &["-g"] } else { &[] }].concat();
            let object = super::built(&directory, &text, &options).0;
            let (first, said) = built_by(&directory, &text, &url, &options);
            assert!(first == object && count(&said, "compiled") == 200, "{said}");
            assert!(count(&said, "remote sent") > 1000 && !said.contains("warning"), "{said}");
            let (second, said) = built_by(&directory, &text, &url, &options);
            assert!(second == object, "{url}: another object");
            let found = (count(&said, "found remotely"), count(&said, "compiled"));
            assert_eq!((found, said.contains("warning")), ((200, 0), false), "{said}");
        }
    }
}

#[test]
fn what_was_found_is_local_then() {
    let directory = directory("remote_local");
    let url = format!("file://{}", directory.join("shared").display());
    let text = program(400, 2, "f", "g");
    built_by(&directory, &text, &url, &[]);
    let build = || {
        String::from_utf8_lossy(&clifc(&directory, &url, Some("mine"), &["--cache-remote-wait", "60"]).stderr)
            .into_owned()
    };
    let (first, second) = (build(), build());
    assert_eq!(count(&first, "found remotely"), 400, "{first}");
    assert_eq!(count(&second, "found by text"), 400, "{second}");
    // One function of many: the packs of the others are found.
    let (_, said) = built_by(&directory, &text.replace("2077", "77"), &url, &[]);
    assert!(count(&said, "found remotely") > 200, "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    let stats = command.args(["cache", "stats", "--cache", "mine"]).current_dir(&directory).output();
    let stats = String::from_utf8_lossy(&stats.expect("clifc starts").stdout).into_owned();
    assert!(stats.contains("builds      2\n") && stats.contains("remote hits "), "{stats}");
}

#[test]
fn modes_read_or_write_only() {
    let directory = directory("remote_modes");
    let url = format!("file://{}", directory.join("shared").display());
    let text = program(100, 3, "f", "g");
    let build = |mode: &str| built_by(&directory, &text, &url, &["--cache-remote-mode", mode]).1;
    let sent = |said: &str| count(said, "remote sent");
    assert_eq!(sent(&build("read-only")), 0);
    assert!(!directory.join("shared").exists() || files(&directory.join("shared")).is_empty());
    let said = build("write-only");
    assert!(sent(&said) > 0 && count(&said, "compiled") == 100, "{said}");
    let said = build("write-only");
    assert!(count(&said, "compiled") == 100, "{said}");
    let said = build("read-only");
    assert!(sent(&said) == 0 && count(&said, "found remotely") > 0, "{said}");
    let output = clifc(&directory, &url, None, &["--cache-remote-mode", "some"]);
    assert_eq!(output.status.code(), Some(2));
}

/// The files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn tampered_packs_are_refused_and_replaced() {
    let directory = directory("remote_tampered");
    let shared = directory.join("shared");
    let url = format!("file://{}", shared.display());
    let text = program(300, 4, "f", "g");
    let object = plain(&directory, &text);
    built_by(&directory, &text, &url, &[]);
    let packs = files(&shared);
    assert!(packs.len() > 3, "{packs:?}");
    let whole: HashMap<&PathBuf, Vec<u8>> =
        packs.iter().map(|path| (path, fs::read(path).expect("a pack"))).collect();
    let mut numbers = Numbers(5);
    for round in 0..7 {
        for (at, path) in packs.iter().enumerate() {
            let mut bytes = whole[path].clone();
            let place = numbers.below(bytes.len());
            match round {
                0 => bytes[place] ^= 1 << numbers.below(8),
                1 => bytes.truncate(place),
                2 => bytes.clear(),
                // Packs that are intact, but of other functions.
                3 => bytes = whole[&packs[(at + 1) % packs.len()]].clone(),
                4 => bytes.iter_mut().for_each(|byte| *byte = numbers.below(256) as u8),
                5 => bytes.push(0),
                _ => bytes = b"<html>404</html>".to_vec(),
            }
            fs::write(path, bytes).expect("a pack");
        }
        let (made, said) = built_by(&directory, &text, &url, &[]);
        assert!(made == object, "round {round}: a wrong object");
        assert_eq!(count(&said, "found remotely"), 0, "round {round}: {said}");
        assert!(said.contains("are damaged, or were not made with this key"), "round {round}: {said}");
        assert!(packs.iter().all(|path| fs::read(path).expect("a pack") == whole[path]), "they are replaced");
    }
}

#[test]
fn other_keys_find_nothing() {
    let directory = directory("remote_keys");
    let url = format!("file://{}", directory.join("shared").display());
    let text = program(100, 5, "f", "g");
    built_by(&directory, &text, &url, &[]);
    fs::write(directory.join("key"), "another key of the other team\n").expect("a file");
    let (_, said) = built_by(&directory, &text, &url, &["--cache-key-file", "key"]);
    assert_eq!(count(&said, "found remotely"), 0, "{said}");
    let (_, said) = built_by(&directory, &text, &url, &["--cache-key-file", "key"]);
    assert!(count(&said, "found remotely") > 0, "{said}");
    fs::write(directory.join("key"), "short\n").expect("a file");
    let output = clifc(&directory, &url, None, &["--cache-key-file", "key"]);
    assert!(output.status.code() == Some(2) && output.stderr.ends_with(b"at least 16 bytes\n"), "{output:?}");
}

/// Builds with a store that does not work, and checks that nothing but a warning comes of it.
fn goes_on_without(name: &str, url: &str) {
    let directory = directory(name);
    let text = program(300, 6, "f", "g");
    let object = plain(&directory, &text);
    let start = Instant::now();
    let (made, said) = built_with(&directory, &text, url, &[]);
    // The timeout is 60 seconds. The machine may be busy.
    assert!(start.elapsed() < Duration::from_secs(30), "{url}: it was waited for");
    assert!(made == object, "{url}: a wrong object");
    assert!(said.contains("warning: cache: the shared store"), "{url}: {said}");
}

#[test]
fn a_store_that_does_not_work_is_a_warning() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    goes_on_without("remote_down", &format!("redis://127.0.0.1:{closed}"));
    goes_on_without("remote_http", &format!("http://127.0.0.1:{closed}/cache"));
    goes_on_without("remote_s3", &s3_url(closed));
    goes_on_without("remote_s3_full", &s3_url(full_server()));
    goes_on_without("remote_scheme", "gopher://host");
    goes_on_without("remote_no_url", "host");
    let full = Redis::start(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    goes_on_without("remote_full", &full.url());
}

#[test]
fn a_store_that_stalls_or_breaks_off_is_not_waited_for() {
    let redis = Redis::start(&[]);
    let url = |mishap| format!("redis://127.0.0.1:{}", proxy(redis.port, mishap));
    goes_on_without("remote_stalled", &url(Mishap::Stall));
    goes_on_without("remote_slow", &url(Mishap::Delay(Duration::from_secs(3))));
    let s3 = S3::start();
    goes_on_without("remote_s3_stalled", &s3_url(proxy(s3.port, Mishap::Stall)));
    let directory = directory("remote_broken");
    let text = program(300, 7, "f", "g");
    let object = plain(&directory, &text);
    built_by(&directory, &text, &redis.url(), &[]);
    for at in [0, 1, 50, 1000, 5000, 50_000] {
        for mishap in [Mishap::Truncate(at), Mishap::Garble(at, 1), Mishap::Garble(at, 100_000)] {
            let (made, _) = built_with(&directory, &text, &url(mishap), &[]);
            assert!(made == object, "a wrong object at {at}");
        }
    }
}

/// Fills a store, has its entries changed, and checks that they are refused and replaced.
fn refuses_and_replaces(name: &str, url: &str, change: &dyn Fn()) {
    let directory = directory(name);
    let text = program(300, 10, "f", "g");
    let object = plain(&directory, &text);
    built_by(&directory, &text, url, &[]);
    change();
    let (made, said) = built_by(&directory, &text, url, &[]);
    assert!(made == object, "{name}: a wrong object");
    assert_eq!(count(&said, "found remotely"), 0, "{name}: {said}");
    assert!(said.contains("are damaged, or were not made with this key"), "{name}: {said}");
    let (made, said) = built_by(&directory, &text, url, &[]);
    assert!(made == object && count(&said, "found remotely") == 300, "{name}: {said}");
}

#[test]
fn entries_that_others_changed_are_refused_and_replaced() {
    let (redis, s3) = (Redis::start(&[]), S3::start());
    refuses_and_replaces("remote_redis_damaged", &redis.url(), &|| redis.damage());
    refuses_and_replaces("remote_s3_damaged", &s3.url(), &|| s3.damage());
    assert!(redis.names().len() > 3 && s3.names().len() > 3);
    refuses_and_replaces("remote_redis_swapped", &redis.url(), &|| redis.swap());
    refuses_and_replaces("remote_s3_swapped", &s3.url(), &|| s3.swap());
}

#[test]
fn s3_that_breaks_off_is_a_warning() {
    let s3 = S3::start();
    let directory = directory("remote_s3_broken");
    let text = program(300, 11, "f", "g");
    let object = plain(&directory, &text);
    built_by(&directory, &text, &s3.url(), &[]);
    for at in [0, 300, 5000] {
        for mishap in [Mishap::Truncate(at), Mishap::Garble(at, 100_000)] {
            let (made, _) = built_with(&directory, &text, &s3_url(proxy(s3.port, mishap)), &[]);
            assert!(made == object, "a wrong object at {at}");
        }
    }
    let (url, mut server) = (s3.url(), s3);
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        server.child.kill().expect("it can be killed");
    });
    let (made, _) = built_with(&directory, &text, &url, &[]);
    assert!(made == object, "a wrong object of a server that was killed");
    killer.join().expect("no panic");
}

#[test]
fn a_server_that_is_killed_meanwhile_is_a_warning() {
    let directory = directory("remote_killed");
    let text = program(500, 8, "f", "g");
    let object = plain(&directory, &text);
    for round in 0..6 {
        let mut redis = Redis::start(&[]);
        if round % 2 == 1 {
            built_by(&directory, &text, &redis.url(), &[]);
        }
        let url = redis.url();
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(15 * round));
            redis.child.kill().expect("it can be killed");
        });
        let (made, _) = built_with(&directory, &text, &url, &[]);
        assert!(made == object, "a wrong object in round {round}");
        killer.join().expect("no panic");
    }
}

#[test]
fn several_clients_share_a_store() {
    let (redis, s3) = (Redis::start(&[]), S3::start());
    share("remote_clients", &redis.url());
    share("remote_s3_clients", &s3.url());
}

/// Has eight clients use a store at the same time.
fn share(name: &str, url: &str) {
    const CLIENTS: u64 = 8;
    let root = directory(name);
    let wrong = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (url, wrong, directory) = (url.to_string(), wrong.clone(), root.join(client.to_string()));
            fs::create_dir(&directory).expect("a directory");
            thread::spawn(move || {
                for round in 0..4 {
                    // Each file has functions of other clients' files.
                    let text = program(100, (client + round) % 3, "f", "g")
                        + &program(100, client % 2 + 9, "h", "i");
                    let object = plain(&directory, &text);
                    if built_by(&directory, &text, &url, &[]).0 != object {
                        wrong.store(true, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("no panic"));
    assert!(!wrong.load(Ordering::Relaxed), "a wrong object");
}
