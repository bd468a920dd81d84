//! Servers that stores are on, and a proxy that gets in the way. All end with the test or the process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A server with a shared store.
pub trait Server: Send {
    /// The URL of the store, by way of a port: that of the server, or a proxy's.
    fn url_at(&self, port: u16) -> String;
    /// The server.
    fn process(&mut self) -> &mut Process;
    /// The server's port.
    fn port(&self) -> u16;
    /// The names of all entries.
    fn names(&self) -> Vec<String>;
    /// Replaces a part of each entry.
    fn damage(&self);
    /// Gives each entry the name of another.
    fn swap(&self);

    fn url(&self) -> String {
        self.url_at(self.port())
    }
}

/// Starts a server of each kind, with files in a directory.
pub fn all(directory: &Path) -> Vec<Box<dyn Server>> {
    vec![
        Box::new(Redis::start(&[])),
        Box::new(FileServer::s3(directory)),
        Box::new(Memcached::start(&[])),
        Box::new(FileServer::webdav(directory)),
    ]
}

/// A process that listens, and ends with the test.
pub struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// Starts a server with a command that is made for a port, and waits until it listens.
    fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let port = free_port();
        let mut command = command(port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn();
        let process = Process {
            child: child.unwrap_or_else(|why| panic!("scripts/test installs {what}: {why}")),
            port,
        };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "{what} starts");
            thread::sleep(Duration::from_millis(20));
        }
        process
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Tests kill servers, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Redis server.
pub struct Redis(Process);

impl Redis {
    pub fn start(options: &[&str]) -> Self {
        Redis(Process::start(|port| {
            let mut command = Command::new("redis-server");
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
            command.args(["--save", "", "--appendonly", "no"]).args(options);
            command
        }))
    }

    /// Sends commands, and returns the lines of the answers.
    fn commands(&self, commands: &[String]) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0.port)).expect("the server runs");
        let text = commands.concat() + "QUIT\r\n";
        stream.write_all(text.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.lines().map(String::from).collect()
    }
}

impl Server for Redis {
    fn url_at(&self, port: u16) -> String {
        format!("redis://127.0.0.1:{port}")
    }

    fn process(&mut self) -> &mut Process {
        &mut self.0
    }

    fn port(&self) -> u16 {
        self.0.port
    }

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

    fn swap(&self) {
        let names = self.names();
        let spare = &["spare".to_string()];
        let from = names.iter().chain(spare);
        let to = spare.iter().chain(&names);
        self.commands(&from.zip(to).map(|(from, to)| format!("RENAME {from} {to}\r\n")).collect::<Vec<_>>());
    }
}

/// A server that keeps entries as files.
pub struct FileServer {
    process: Process,
    files: PathBuf,
    url_at: fn(u16) -> String,
}

const ACCESS_KEY: &str = "access-key-of-tests";
const SECRET_KEY: &str = "secret-key-of-tests";

impl FileServer {
    /// Starts a server of S3, s3s-fs, with its files in a directory.
    pub fn s3(directory: &Path) -> Self {
        Self::s3_run_by(directory, |server| Command::new(server))
    }

    /// Starts a server of S3 that has no room: no file may have any contents.
    pub fn full_s3(directory: &Path) -> Self {
        Self::s3_run_by(directory, |server| {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]).arg(server);
            command
        })
    }

    fn s3_run_by(directory: &Path, command: impl FnOnce(&Path) -> Command) -> Self {
        let root = directory.join("s3");
        let files = root.join("bucket");
        fs::create_dir_all(&files).expect("a directory");
        let process = Process::start(|port| {
            let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/s3s-fs/bin/s3s-fs");
            let mut command = command(&server);
            command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
            command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]).arg(root);
            command
        });
        FileServer { process, files, url_at: s3_url }
    }

    /// Starts a server of WebDAV, lighttpd, with its files in a directory.
    pub fn webdav(directory: &Path) -> Self {
        let files = directory.join("webdav");
        fs::create_dir_all(&files).expect("a directory");
        let process = Process::start(|port| {
            let options = directory.join("lighttpd.conf");
            // Files change behind its back.
            let text = format!(
                "server.stat-cache-engine = \"disable\"\n\
                 server.document-root = \"{}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\n\
                 server.modules = (\"mod_webdav\")\nwebdav.activate = \"enable\"\n",
                files.display()
            );
            fs::write(&options, text).expect("a file");
            // Where Debian has it, which is not on everybody's path.
            let mut command = Command::new("/usr/sbin/lighttpd");
            command.arg("-D").arg("-f").arg(options);
            command
        });
        FileServer { process, files, url_at: |port| format!("http://127.0.0.1:{port}/team/clifc") }
    }
}

impl Server for FileServer {
    fn url_at(&self, port: u16) -> String {
        (self.url_at)(port)
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn port(&self) -> u16 {
        self.process.port
    }

    fn names(&self) -> Vec<String> {
        files(&self.files).iter().map(|path| path.display().to_string()).collect()
    }

    fn damage(&self) {
        for path in files(&self.files) {
            fs::write(path, "something else").expect("a file");
        }
    }

    fn swap(&self) {
        let paths = files(&self.files);
        let mut contents: Vec<_> = paths.iter().map(|path| fs::read(path).expect("a file")).collect();
        contents.rotate_left(1);
        for (path, contents) in paths.iter().zip(contents) {
            fs::write(path, contents).expect("a file");
        }
    }
}

/// The URL of a bucket on a server of S3.
pub fn s3_url(port: u16) -> String {
    let server = format!("s3://bucket/?region=us-east-1&endpoint=http://127.0.0.1:{port}");
    server + &format!("&access_key_id={ACCESS_KEY}&secret_access_key={SECRET_KEY}&disable_config_load=true")
}

/// A memcached server.
pub struct Memcached(Process);

impl Memcached {
    pub fn start(options: &[&str]) -> Self {
        Memcached(Process::start(|port| {
            let mut command = Command::new("memcached");
            command.args(["-l", "127.0.0.1", "-p", &port.to_string(), "-u", "root"]).args(options);
            command
        }))
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.0.port)).expect("the server runs")
    }

    /// Sends a command, and returns the answer.
    fn command(&self, command: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(&[command, b"\r\nquit\r\n"].concat()).expect("it listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        answer
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let answer = self.command(format!("get {name}").as_bytes());
        let start = 2 + answer.windows(2).position(|pair| pair == b"\r\n").expect("a line");
        answer[start..].strip_suffix(b"\r\nEND\r\n").expect("an entry").to_vec()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let head = format!("set {name} 0 0 {}\r\n", bytes.len());
        let answer = self.command(&[head.as_bytes(), bytes].concat());
        assert_eq!(answer, b"STORED\r\n", "{name}");
    }
}

impl Server for Memcached {
    fn url_at(&self, port: u16) -> String {
        format!("memcached://127.0.0.1:{port}")
    }

    fn process(&mut self) -> &mut Process {
        &mut self.0
    }

    fn port(&self) -> u16 {
        self.0.port
    }

    fn names(&self) -> Vec<String> {
        let mut stream = self.connect();
        stream.write_all(b"lru_crawler metadump hash\r\n").expect("it listens");
        // A thread of its own answers, which doesn't see further commands. It goes through the hash table:
        // those that go through the lists may pass over entries that have just been used.
        let lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
        let lines = lines.take_while(|line| line.trim_end() != "END");
        let names = lines.filter_map(|line| Some(line.strip_prefix("key=")?.split(' ').next()?.to_string()));
        names.map(|name| name.replace("%2F", "/")).collect()
    }

    fn damage(&self) {
        self.names().iter().for_each(|name| self.write(name, b"something else"));
    }

    fn swap(&self) {
        let names = self.names();
        let mut contents: Vec<_> = names.iter().map(|name| self.read(name)).collect();
        contents.rotate_left(1);
        names.iter().zip(contents).for_each(|(name, contents)| self.write(name, &contents));
    }
}

/// The files below a directory.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// What a proxy does with an answer of the server.
#[derive(Clone, Copy)]
pub enum Mishap {
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
pub fn proxy(server: u16, mishap: Mishap) -> u16 {
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
pub fn full_server() -> u16 {
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
