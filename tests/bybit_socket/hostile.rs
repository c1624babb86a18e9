//! Bytes that no venue should send, and TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tradeterm::venue::bybit::socket::connector::{Connector, Dial, Io};
use tradeterm::venue::bybit::socket::{DownCause, Socket, SocketOptions, Timing};

use crate::harness::{Peer, Server, data, down, end, frame, options, quiet, soon, up};

const MIB: usize = 1 << 20;

fn quick() -> Timing {
    Timing {
        backoff_first: Duration::from_millis(1),
        backoff_max: Duration::from_millis(1),
        ..Timing::default()
    }
}

/// Header of an unmasked frame: its first byte and the length it announces.
fn header(first: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![first, 127];
    bytes.extend(len.to_be_bytes());
    bytes
}

/// Writes `bytes` again and again until the other side hangs up; returns how many it took.
async fn pour(peer: &mut Peer, bytes: &[u8], most: usize) -> usize {
    let mut n_sent = 0;
    while n_sent < most {
        if peer.socket.get_mut().write_all(bytes).await.is_err() {
            break;
        }
        n_sent += bytes.len();
    }
    n_sent
}

#[tokio::test]
async fn hostile_frames_end_the_connection_and_the_next_one_works() {
    let text_then_continuation = |n: usize| {
        let mut bytes = header(0x01, n as u64);
        bytes.extend(vec![b'x'; n]);
        bytes
    };
    let oversized = header(0x81, 2 * MIB as u64);
    let giant = header(0x82, 1 << 40);
    let (server, dial) = Server::start().await;
    let mut socket = Socket::open(SocketOptions {
        timing: quick(),
        ..options(dial, quiet(&["a"]))
    })
    .unwrap();
    let attacks: [(&str, Vec<u8>); 8] = [
        // The sizes are only announced: they are refused before anything of them came.
        ("oversized", oversized),
        ("giant", giant),
        ("binary", vec![0x82, 1, b'x']),
        ("invalid utf-8", vec![0x81, 2, 0xC3, 0x28]),
        ("masked", vec![0x81, 0x81, 0, 0, 0, 0, b'x']),
        ("reserved bits", vec![0xF1, 1, b'x']),
        ("unknown opcode", vec![0x83, 1, b'x']),
        (
            "two beginnings",
            [text_then_continuation(4), text_then_continuation(4)].concat(),
        ),
    ];
    let mut epoch = 0;
    for (name, bytes) in attacks {
        epoch += 1;
        let mut peer = server.accept().await;
        peer.take_subscription().await;
        assert_eq!(up(&mut socket).await, epoch, "{name}");
        peer.socket.get_mut().write_all(&bytes).await.unwrap();
        let (cause, _) = down(&mut socket).await;
        assert!(matches!(cause, DownCause::BadFrame(_)), "{name}: {cause:?}");
    }

    // A message in endless pieces is refused as soon as it is too long, not gathered.
    let mut peer = server.accept().await;
    peer.take_subscription().await;
    let first = text_then_continuation(64 << 10);
    peer.socket.get_mut().write_all(&first).await.unwrap();
    let mut piece = first.clone();
    piece[0] = 0x00;
    let most = 64 * MIB;
    let pouring = tokio::spawn(async move { pour(&mut peer, &piece, most).await });
    let (cause, _) = down(&mut socket).await;
    assert!(matches!(cause, DownCause::BadFrame(_)), "{cause:?}");
    let n_sent = soon(pouring).await.unwrap();
    assert!(n_sent < most, "{n_sent} bytes were taken");

    let mut peer = server.accept().await;
    peer.take_subscription().await;
    assert_eq!(up(&mut socket).await, epoch + 2);
    // The largest message that is allowed, in one piece and in two.
    let filler = "x".repeat(MIB - 40);
    peer.say_text(format!(r#"{{"topic":"a","x":"{filler}"}}"#))
        .await;
    let (_, large) = data(&mut socket).await;
    assert_eq!(large["x"].as_str().unwrap().len(), filler.len());
    let text = frame("a", 7).to_string();
    let (start, rest) = text.as_bytes().split_at(5);
    let mut pieces = header(0x01, start.len() as u64);
    pieces.extend(start);
    pieces.extend(header(0x80, rest.len() as u64));
    pieces.extend(rest);
    peer.socket.get_mut().write_all(&pieces).await.unwrap();
    assert_eq!(data(&mut socket).await.1, frame("a", 7));
    end(socket).await;
}

#[tokio::test]
async fn a_connection_cut_anywhere_in_a_frame_is_made_anew() {
    let (server, dial) = Server::start().await;
    let mut socket = Socket::open(SocketOptions {
        timing: quick(),
        ..options(dial, quiet(&["a"]))
    })
    .unwrap();
    let text = frame("a", 1).to_string();
    let mut bytes = vec![0x81, u8::try_from(text.len()).unwrap()];
    bytes.extend(text.as_bytes());
    for cut in [1, 2, 3, bytes.len() - 1] {
        let mut peer = server.accept().await;
        peer.take_subscription().await;
        up(&mut socket).await;
        peer.socket
            .get_mut()
            .write_all(&bytes[..cut])
            .await
            .unwrap();
        drop(peer);
        let (cause, _) = down(&mut socket).await;
        assert!(
            matches!(cause, DownCause::Lost(_) | DownCause::Closed { .. }),
            "{cut}: {cause:?}"
        );
    }
    end(socket).await;
}

#[tokio::test]
async fn tls_is_spoken_with_a_trusted_root_only() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("wss://localhost:{port}/v5");

    let dial: Arc<dyn Dial> = Arc::new(Connector::new(&url, None).unwrap());
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let (stream, _) = soon(listener.accept()).await.unwrap();
    assert!(soon(acceptor.accept(stream)).await.is_err());
    let (cause, _) = down(&mut socket).await;
    assert!(
        matches!(&cause, DownCause::Unreachable { host, .. } if *host == format!("localhost:{port}")),
        "{cause:?}"
    );
    end(socket).await;

    let dial: Arc<dyn Dial> = Arc::new(Connector::new(&url, Some(pem.as_bytes())).unwrap());
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let (stream, _) = soon(listener.accept()).await.unwrap();
    let stream: Box<dyn Io> = Box::new(soon(acceptor.accept(stream)).await.unwrap());
    let mut peer = Peer::accept(Instant::now(), stream).await;
    peer.take_subscription().await;
    up(&mut socket).await;
    peer.push("a", 1).await;
    assert_eq!(data(&mut socket).await.1, frame("a", 1));
    end(socket).await;
}
