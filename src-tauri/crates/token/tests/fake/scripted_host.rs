//! A helper that speaks the real wire and misbehaves as it is told; stands in for `certdesk-token-host` in tests.
//!
//! `SCRIPT_DIR` holds what it is told and what it notes down. The n-th process started there follows the n-th line of
//! `script` (the last line for all later ones): words separated by blanks, the first for its greeting, then one for
//! each request, the last repeating. Each request's name is added to `calls`, one a line, before it is followed.

use certdesk_token::{
    TokenError,
    message::{self, Answer, Numbered, Reply, Request},
};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::PathBuf,
};

fn main() {
    let folder = PathBuf::from(std::env::var_os("SCRIPT_DIR").expect("SCRIPT_DIR names the script's folder"));
    let script = std::fs::read_to_string(folder.join("script")).expect("the script can be read");
    let started = (0..).find(|n| File::create_new(folder.join(format!("started.{n}"))).is_ok()).unwrap_or(0);
    let line = script.lines().nth(started).or(script.lines().last()).unwrap_or_default();
    let mut words = line.split_whitespace();
    let mut calls =
        OpenOptions::new().append(true).create(true).open(folder.join("calls")).expect("calls can be noted");

    let mut word = words.next().unwrap_or("ok");
    follow(word, 0, None);
    let mut input = std::io::stdin().lock();
    loop {
        let mut length = [0; 4];
        if input.read_exact(&mut length).is_err() {
            return;
        }
        let mut body = vec![0; message::body_length(length).expect("the supervisor sends bounded frames")];
        input.read_exact(&mut body).expect("the supervisor sends whole frames");
        let request: Numbered<Request> = message::decode(&body).expect("the supervisor sends sound frames");
        writeln!(calls, "{}", request.body.name()).expect("calls can be noted");
        word = words.next().unwrap_or(word);
        follow(word, request.id, Some(&request.body));
    }
}

fn follow(word: &str, id: u64, request: Option<&Request>) {
    match word {
        "ok" => answer(id, Ok(fitting(request))),
        "not-logged-in" => answer(id, Err(TokenError::NotLoggedIn)),
        "cannot-load" => answer(id, Err(TokenError::CannotLoad { reason: "undefined symbol: x".into() })),
        "wrong-id" => answer(id + 1, Ok(fitting(request))),
        "crash" => std::process::abort(),
        // Longer than any test waits, and no longer: nobody ends it where a test ends before.
        "hang" => {
            std::thread::sleep(std::time::Duration::from_secs(60));
            std::process::exit(0);
        }
        "device-removed" => answer(id, Err(TokenError::NoToken)),
        "garbage" => write(b"\x05\x00\x00\x00\x01\xff\xff\xff\xff"),
        "version" => write(b"\x02\x00\x00\x00\x63\x00"),
        "huge" => write(&[0xff; 64]),
        "half" => {
            write(b"\x40\x00\x00\x00\x01");
            std::process::exit(0);
        }
        "tell-stderr" => {
            // What a careless driver does: print all it was given.
            if let Some(Request::Login { pin, .. }) = request {
                eprintln!("driver was given {}", String::from_utf8_lossy(pin.expose()));
            } else {
                eprintln!("driver says hello");
            }
            answer(id, Ok(fitting(request)));
        }
        "exit-after" => {
            answer(id, Ok(fitting(request)));
            std::process::exit(0);
        }
        other => panic!("the script says {other:?}"),
    }
}

fn fitting(request: Option<&Request>) -> Reply {
    match request {
        None => Reply::Ready,
        Some(Request::List { .. }) => Reply::Tokens(vec![]),
        Some(Request::KeyPairs { .. }) => Reply::KeyPairs(vec![]),
        Some(Request::Sign(what)) => Reply::Signature(what.digest.clone()),
        Some(_) => Reply::Done,
    }
}

fn answer(id: u64, body: Answer) {
    write(&message::encode(&Numbered { id, body }).expect("answers are small"));
}

fn write(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    // A supervisor that has given up on us no longer reads.
    let _ = output.write_all(bytes).and_then(|()| output.flush());
}
