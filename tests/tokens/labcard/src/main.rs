//! A smart card in software, in a reader slot of the `vpcd` driver: `labcard piv|openpgp PORT STATE-FILE`.
//!
//! Starts inserted. Takes lines on its standard input and ends with it: `in` puts the card in, `out` takes it out,
//! `out at signature` takes it out in the middle of the next signature, `delay MS` makes each command take that much
//! longer, as a slow USB key does. Answers `obeyed` to each, and says `inserted` and `removed`. Its random numbers come from a constant seed.

mod applet;
mod backends;

use applet::{Answering, Applet};
use std::{
    io::{self, BufRead, Read, Write},
    net::{Shutdown, TcpStream},
    os::linux::net::TcpStreamExt,
    process::exit,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};
use trussed::virt::{self, StorageConfig, StoreConfig};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, port, state] = arguments.as_slice() else {
        eprintln!("usage: labcard piv|openpgp PORT STATE-FILE");
        exit(2)
    };
    let port: u16 = port.parse().expect("a port number");
    let reader = Reader::default();
    let (insert, insertions) = mpsc::channel();
    let obeying = reader.clone();
    thread::spawn(move || obey(&obeying, &insert));

    while insertions.recv().is_ok() {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("the reader's driver listens");
        socket.set_nodelay(true).expect("a socket option");
        reader.plug(Some(socket.try_clone().expect("a second handle of the socket")));
        println!("inserted");
        // A fresh applet after every reset, so that the PIN is no longer verified; only the state files stay.
        while powered_up(kind, state, &mut socket, &reader) == End::Reset {}
        reader.plug(None);
        println!("removed");
    }
}

/// What the card and the thread that listens to orders share.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    socket: Option<TcpStream>,
    delay: Duration,
    leave_at_signature: bool,
}

impl Reader {
    fn with<T>(&self, act: impl FnOnce(&mut Shared) -> T) -> T {
        act(&mut self.0.lock().expect("no thread panics with the lock"))
    }

    fn plug(&self, socket: Option<TcpStream>) {
        self.with(|shared| shared.socket = socket);
    }

    fn leave(&self) {
        self.with(|shared| shared.socket.as_ref().map(|socket| socket.shutdown(Shutdown::Both)));
    }
}

fn obey(reader: &Reader, insert: &mpsc::Sender<()>) {
    let _ = insert.send(());
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["in"] if reader.with(|shared| shared.socket.is_none()) => drop(insert.send(())),
            ["out"] => reader.leave(),
            ["out", "at", "signature"] => reader.with(|shared| shared.leave_at_signature = true),
            ["delay", ms] => {
                let delay = Duration::from_millis(ms.parse().expect("a number of milliseconds"));
                reader.with(|shared| shared.delay = delay);
            }
            _ => eprintln!("not understood: {line}"),
        }
        println!("obeyed");
    }
    exit(0)
}

#[derive(PartialEq)]
enum End {
    /// The reader reset the card or took its power.
    Reset,
    /// The card was taken out.
    Removed,
}

fn powered_up(kind: &str, state: &str, socket: &mut TcpStream, reader: &Reader) -> End {
    let mut store = StoreConfig::ram();
    store.internal = StorageConfig::filesystem(state.into());
    store.external = StorageConfig::filesystem(format!("{state}.ext").into());
    virt::with_platform(store, |platform| {
        platform.run_client_with_backends(kind, backends::Soft::new(), backends::ORDER, |client| match kind {
            "piv" => converse(&mut applet::Piv::new(client), socket, reader),
            _ => converse(&mut applet::OpenPgp::new(client), socket, reader),
        })
    })
}

/// The protocol of vpcd: a length of two bytes, then one byte that tells what happens to the card, or a command.
fn converse(applet: &mut dyn Applet, socket: &mut TcpStream, reader: &Reader) -> End {
    let (mut answering, mut used) = (Answering::default(), false);
    loop {
        let Ok(message) = receive(socket) else { return End::Removed };
        let answer = match message.as_slice() {
            [0 | 2] if used => return End::Reset, // power off, reset
            [0..=2] => continue,
            [4] => applet.atr().to_vec(),
            command => {
                used = true;
                thread::sleep(reader.with(|shared| shared.delay));
                if applet::is_signature(command) && reader.with(|shared| std::mem::take(&mut shared.leave_at_signature))
                {
                    reader.leave();
                    return End::Removed;
                }
                answering.exchange(applet, command)
            }
        };
        let length = (answer.len() as u16).to_be_bytes();
        if socket.write_all(&[&length, answer.as_slice()].concat()).is_err() {
            return End::Removed;
        }
    }
}

/// The driver sends length and body as two segments; without quick acknowledgements the kernel waits 40 ms between them.
fn receive(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    socket.set_quickack(true)?;
    socket.read_exact(&mut length)?;
    socket.set_quickack(true)?;
    let mut body = vec![0; u16::from_be_bytes(length).into()];
    socket.read_exact(&mut body)?;
    Ok(body)
}
