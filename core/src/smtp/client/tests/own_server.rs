//! The client and our own server, octet for octet.

use std::sync::Arc;

use super::*;
use crate::machine::{Peer, Secret, Seed};
use crate::smtp::{self, mx, submission};

type Session = fn(Peer, Arc<smtp::Settings>, Seed) -> smtp::Server;

/// Carries octets between two conversations until both are silent.
fn converse(world: &mut World, client: Talk, server: Talk) {
    loop {
        let (asked, answered) = (world.take(client), world.take(server));
        if asked.is_empty() && answered.is_empty() {
            return;
        }
        world.feed(server, &asked);
        world.feed(client, &answered);
    }
}

/// What becomes of a job whose only host is our server, and what the server has taken.
fn deliver(job: Job, bodies: &[&[u8]], session: Session, step: usize) -> (Vec<String>, Vec<Vec<u8>>) {
    let mut play = Play::with_bodies(job, bodies, &[]);
    for login in ["a0@y.org", "a1@y.org", "b1@y.org"] {
        play.world.create_account(login, "x");
    }
    let peer = Peer {
        address: Some([192, 0, 2, 9].into()),
        tls: None,
    };
    let settings = smtp::Settings {
        hostname: "y.org".to_owned(),
        message_size_max: 1_000,
        tls: true,
        ..smtp::Settings::default()
    };
    let server = play
        .world
        .join(session(peer, Arc::new(settings), Seed::new([9; 32])));
    play.world.set_read_max(server, step);
    play.world.set_read_max(play.talk, step);
    converse(&mut play.world, play.talk, server);
    // Who has given a wrong password is let wait.
    play.world.advance(10_000);
    converse(&mut play.world, play.talk, server);
    assert!(play.world.is_over(play.talk) && play.world.is_over(server));
    let server = play.world.conversation(server).unwrap();
    let uploads = server.summary().uploads.into_values().collect();
    (play.fates(), uploads)
}

#[test]
fn mail_with_dots_arrives_as_it_was() {
    let bodies: [&[u8]; 2] = [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n.",
        b"Subject: \xc3\xa4\r\n\r\nlone\nlf\r.cr\r\n",
    ];
    let mut job = job(&[1, 3]);
    job.deliveries[1].recipients[2].address = "nobody@y.org".to_owned();
    job.deliveries[1]
        .recipients
        .iter_mut()
        .for_each(|one| one.options.body = MailBody::EightBit);
    for step in [1, 7, 60_000] {
        let (told, uploads) = deliver(job.clone(), &bodies, mx::session, step);
        let starts = [
            "0: delivered 250 2.1.5",
            "10: delivered 250 2.1.5",
            "11: delivered 250 2.1.5",
            "12: refused 550 5.1.1",
        ];
        assert_eq!(told.len(), starts.len());
        told.iter()
            .zip(starts)
            .for_each(|(told, start)| assert!(told.starts_with(start), "{told}"));
        assert_eq!(
            uploads,
            [
                &b"Received: x\r\nSubject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\n"[..],
                b"Received: x\r\nSubject: \xc3\xa4\r\n\r\nlone\r\nlf\r\n.cr\r\n"
            ]
        );
    }
}

/// RFC 1870, 6.1: what SIZE says is too large is not sent.
#[test]
fn a_message_that_is_too_large_is_known_before() {
    let mut job = job(&[1]);
    job.hosts.truncate(1);
    let (told, uploads) = deliver(job, &[&[b'x'; 2_000]], mx::session, 60_000);
    assert_eq!(
        (&told[..], uploads.len()),
        (
            &["0: refused 5.3.4 The message is larger than the server takes".to_owned()][..],
            0
        )
    );
}

/// As to a relay: STARTTLS, the log-in, the message.
#[test]
fn a_user_submits() {
    let mut job = job(&[1]);
    job.hosts.truncate(1);
    job.tls = TlsPolicy::Verified;
    job.deliveries[0].sender = "a1@y.org".to_owned();
    for (password, start) in [("x", "0: delivered 250 2.1.5"), ("y", "0: later 535 5.7.8")] {
        job.login = Some(Login {
            user: "a1@y.org".to_owned(),
            password: Secret(password.to_owned()),
        });
        let bodies: [&[u8]; 1] = [b"From: a1@y.org\r\n\r\n.\r\n"];
        let (told, uploads) = deliver(job.clone(), &bodies, submission::session, 60_000);
        assert!(told[0].starts_with(start), "{told:?}");
        assert_eq!(uploads.len(), usize::from(password == "x"));
    }
}
