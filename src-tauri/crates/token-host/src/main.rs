//! The helper process: loads one PKCS#11 module and does what the supervisor asks over its pipes.
//!
//! Usage: `certdesk-token-host MODULE [QUIRK…]`, with the quirks of [`Quirks::to_arguments`]; or `--card-readers`, which
//! answers once what the system's smart card service shows, and ends; or `--proxy-script`, which runs one proxy script for
//! one question, loads no module, and ends. Knows PKCS#11 and nothing of certificates' meaning,
//! people or networks. It may crash, hang or be killed at any moment: the supervisor (`certdesk-token`) is made for that.
//! Every `unsafe` of the workspace is in `process.rs`, `raw.rs` and `card_service.rs`.

#![deny(unsafe_code)]

mod card_service;
mod der;
mod failure;
mod host;
mod keys;
mod objects;
mod process;
mod proxy_script;
mod raw;
mod text;

use certdesk_token::{
    TokenError, card_readers,
    message::{self, Answer, Numbered, Reply, Request},
    proxy_script::{self as script, Question, ScriptError},
};
use pkcs11_profiles::Quirks;
use serde::de::DeserializeOwned;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{Arc, Mutex, TryLockError, mpsc},
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// How long the call under way may take once the program that asked for it is gone.
const LAST_CALL: Duration = Duration::from_secs(10);
/// For a script that nests deeply; what nests more deeply ends the process, and nothing else.
const SCRIPT_STACK: usize = 64 << 20;

fn main() {
    process::harden();
    let Ok(pipes) = process::take_pipes() else { process::exit_now() };
    let mut output = pipes.output;
    let mut arguments = std::env::args_os().skip(1);
    let module = arguments.next();
    if module.as_deref() == Some(card_readers::ARGUMENT.as_ref()) {
        answer_card_readers(pipes.input, output)
    }
    if module.as_deref() == Some(script::ARGUMENT.as_ref()) {
        answer_proxy_script(pipes.input, output)
    }
    let quirks: Vec<_> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let quirks = Quirks::from_arguments(quirks.iter().map(String::as_str));
    let (Some(module), Some(quirks)) = (module, quirks) else {
        eprintln!("usage: certdesk-token-host MODULE [QUIRK…]");
        process::exit_now()
    };

    stay_visible();

    // Its own thread: the end of the pipe is noticed, and answered by our end, while a module hangs.
    let (sender, requests) = mpsc::channel();
    let mut input = pipes.input;
    let at_work = Arc::new(Mutex::new(()));
    let work = at_work.clone();
    thread::spawn(move || {
        while let Ok(request) = receive::<Request>(&mut input) {
            if sender.send(request).is_err() {
                break;
            }
        }
        // The program is gone. What it had begun comes to its end: a key is not left half-written.
        let end = Instant::now() + LAST_CALL;
        loop {
            match work.try_lock() {
                Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
                // Held until the end of the process, so that no other call begins.
                held => {
                    std::mem::forget(held);
                    break;
                }
            }
        }
        process::exit_now()
    });

    let mut host = match host::Host::load(Path::new(&module), quirks) {
        Ok(host) => {
            send(&mut output, 0, Ok(Reply::Ready));
            host
        }
        Err(error) => {
            send(&mut output, 0, Err(error));
            process::exit_now()
        }
    };
    for Numbered { id, body } in requests {
        let working = at_work.lock();
        let answer = host.answer(body);
        drop(working);
        send(&mut output, id, answer);
    }
}

/// Holds the file that says that a helper lives, until the process ends.
fn stay_visible() {
    let Some(file) = std::env::var_os(certdesk_token::module::ALIVE).and_then(|path| File::open(path).ok()) else {
        return;
    };
    // Whoever holds it alone waits for the last of an earlier program: only new ones are held up, and not for long.
    if file.lock_shared().is_ok() {
        std::mem::forget(file);
    }
}

/// Asks the smart card service once; a service that hangs does not outlive who asked for it.
fn answer_card_readers(mut input: File, mut output: File) -> ! {
    thread::spawn(move || {
        let _ = input.read(&mut [0]);
        process::exit_now()
    });
    write(&mut output, message::encode(&Numbered { id: 0, body: card_service::readers() }));
    process::exit_now()
}

/// Runs one proxy script; neither it nor its engine outlives who asked.
fn answer_proxy_script(mut input: File, mut output: File) -> ! {
    process::confine();
    // While this is the only thread: some systems tell the time zone to nobody else.
    let surroundings = proxy_script::Surroundings::here();
    let Ok(Numbered { id, body: question }) = receive::<Question>(&mut input) else { process::exit_now() };
    thread::spawn(move || {
        let _ = input.read(&mut [0]);
        process::exit_now()
    });
    let run = thread::Builder::new().stack_size(SCRIPT_STACK).spawn(|| proxy_script::run(question, surroundings));
    let answer = match run.map(thread::JoinHandle::join) {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ScriptError::Broke),
        Err(error) => Err(ScriptError::NoHelper { reason: error.to_string() }),
    };
    write(&mut output, message::encode(&Numbered { id, body: answer }));
    process::exit_now()
}

/// One request off the pipe. The pipe is read without any buffer but this one, which is wiped: it may hold a PIN.
fn receive<T: DeserializeOwned>(input: &mut File) -> io::Result<Numbered<T>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = message::body_length(length).map_err(io::Error::other)?;
    let mut body = Zeroizing::new(vec![0; length]);
    input.read_exact(&mut body)?;
    message::decode(&body).map_err(io::Error::other)
}

fn send(output: &mut File, id: u64, body: Answer) {
    let frame = message::encode(&Numbered { id, body }).or_else(|error| {
        let too_much = TokenError::Unsupported { what: format!("an answer of this size ({error})") };
        message::encode(&Numbered { id, body: Answer::Err(too_much) })
    });
    write(output, frame)
}

fn write(output: &mut File, frame: Result<Zeroizing<Vec<u8>>, message::FrameError>) {
    let sent = match frame {
        Ok(frame) => output.write_all(&frame),
        Err(error) => Err(io::Error::other(error)),
    };
    if sent.is_err() {
        process::exit_now()
    }
}
