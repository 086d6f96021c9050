//! A custom runtime in Rust without a library: returns the event with a greeting.
use std::io::{Read, Write};
use std::net::TcpStream;

fn ask(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn main() {
    let address = std::env::var("RUNTIME_API_ADDR").unwrap();
    loop {
        let answer = ask(&address, "GET /v1/runtime/invocation/request", "");
        let (head, event) = answer.split_once("\r\n\r\n").unwrap();
        let id = head.lines().find_map(|line| line.to_lowercase().strip_prefix("x-cff-request-id: ").map(str::to_owned)).unwrap();
        println!("request {id}");
        ask(&address, &format!("POST /v1/runtime/invocation/response/{id}"), &format!("{{\"rust\":{event}}}"));
    }
}
