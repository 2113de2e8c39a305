use super::*;
use futures_lite::future::block_on;

fn passwords() -> Passwords {
    Passwords::start(Hashing {
        queue: 2,
        ..Hashing::at_cost(4)
    })
    .unwrap()
}

/// A try from this network, with this many tokens.
fn attempt(from: &str, per_minute: u32) -> Attempt {
    Attempt {
        login: "tim@example.com".to_owned(),
        from: from.parse().ok(),
        per_minute,
        at_ms: 0,
    }
}

fn question(password: &str, hash: Option<&str>) -> PasswordCheck {
    PasswordCheck {
        attempt: attempt("192.0.2.1", 1000),
        password: Secret(password.to_owned()),
        app_passwords: Vec::new(),
        other_app_passwords: Vec::new(),
        hash: hash.map(|hash| Secret(hash.to_owned())),
    }
}

fn check(passwords: &Passwords, password: &str, hash: Option<&str>) -> bool {
    block_on(passwords.verify(question(password, hash))) == Ok(Done::Verified(Verdict::Password))
}

fn made(passwords: &Passwords, password: &str) -> String {
    block_on(passwords.hash(Secret(password.into())))
        .unwrap()
        .bcrypt
        .0
}

#[test]
fn a_password_has_its_hash_and_no_other() {
    let passwords = passwords();
    let long = "x".repeat(72);
    let longer = "x".repeat(73);
    for password in [
        "secret",
        "",
        "pässwörd",
        "with\0nul",
        &long,
        &longer,
        &"y".repeat(1 << 20),
    ] {
        let hash = made(&passwords, password);
        assert!(check(&passwords, password, Some(&hash)), "{hash}");
        assert!(!check(&passwords, &format!("{password}x"), Some(&hash)));
        assert!(!check(&passwords, "other", Some(&hash)));
    }
    assert!(
        !check(&passwords, &longer, Some(&made(&passwords, &long))),
        "not even when the first 72 octets are equal"
    );
    assert!(!check(&passwords, "with", Some(&made(&passwords, "with\0nul"))));
}

#[test]
fn only_passwords_that_bcrypt_would_cut_are_hashed_before() {
    let passwords = passwords();
    assert!(made(&passwords, "secret").starts_with("$2b$04$"));
    assert!(made(&passwords, &"x".repeat(73)).starts_with("sha256:$2b$04$"));
    let of_another_server = bcrypt::hash("secret", 4).unwrap();
    assert!(check(&passwords, "secret", Some(&of_another_server)));
    assert!(!check(
        &passwords,
        &hashed_before(&"x".repeat(73)),
        Some(&made(&passwords, &"x".repeat(73)))
    ));
}

#[test]
fn damaged_hashes_and_unknown_users_are_a_plain_no() {
    let passwords = passwords();
    for hash in [
        "",
        "$2b$",
        "$2b$99$aaaa",
        "sha256:",
        "plain:secret",
        "$2b$04$üüüüüüüüüüüüüüüüüüüüüüüüüü",
        "\u{0}",
    ] {
        assert!(!check(&passwords, "secret", Some(hash)), "{hash:?}");
    }
    assert!(!check(&passwords, "secret", None));
}

#[test]
fn the_dummy_is_a_hash_that_costs_as_much() {
    let passwords = passwords();
    assert!(
        matches!(bcrypt::verify("secret", &passwords.dummy), Ok(false)),
        "{}",
        passwords.dummy
    );
}

#[test]
fn a_panic_costs_one_answer_and_no_thread() {
    let passwords = passwords();
    for _ in 0..thread::available_parallelism().map_or(1, |n| n.get()) {
        let panicking: Result<(), _> = block_on(passwords.run(|| panic!("on purpose")));
        assert!(matches!(panicking, Err(Failure::Broken(_))), "{panicking:?}");
    }
    assert!(!check(&passwords, "secret", None));
}

/// Blocks each thread until it is let go.
fn hold(passwords: &Passwords) -> Vec<crate::answer::Giver<()>> {
    let holds = (0..passwords.hashing.threads()).map(|_| {
        let ((hold, held), (here, is_here)) = (answer::<()>(), answer::<()>());
        let work = move || {
            here.give(());
            block_on(held.take());
        };
        passwords.shared.queue(10, Box::new(work)).unwrap();
        block_on(is_here.take());
        hold
    });
    holds.collect()
}

#[test]
fn too_many_waiting_are_turned_away() {
    let passwords = passwords();
    let held = hold(&passwords);
    let begun: Vec<_> = (0..2)
        .map(|_| poll_once(passwords.verify(question("x", None))))
        .collect();
    assert!(begun.iter().all(Option::is_none), "{begun:?}");
    let refused = block_on(passwords.verify(question("x", None)));
    assert_eq!(refused, Err(Failure::Unavailable { retry_after_s: 10 }));
    drop(held);
}

/// Polls a future once and drops it; what it queued stays queued.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    block_on(futures_lite::future::poll_once(future))
}

/// B17, C15: tries that all came in before the first of them had failed.
#[test]
fn a_thousand_at_once_get_no_more_than_their_tokens() {
    let passwords = Passwords::start(Hashing {
        queue: 2000,
        ..Hashing::at_cost(4)
    })
    .unwrap();
    let held = hold(&passwords);
    let ask = |nth: u32| {
        let attempt = Attempt {
            login: format!("user{nth}@example.com"),
            ..attempt("2001:db8::1", 10)
        };
        passwords.verify(PasswordCheck {
            attempt,
            ..question("guess", None)
        })
    };
    let mut all: Vec<_> = (0..1000).map(|nth| Box::pin(ask(nth))).collect();
    all.iter_mut().for_each(|one| assert_eq!(poll_once(one), None));
    held.into_iter().for_each(|hold| hold.give(()));
    let answers: Vec<_> = all.into_iter().map(block_on).collect();
    let checked = answers
        .iter()
        .filter(|answer| **answer == Ok(Done::Verified(Verdict::Wrong)))
        .count();
    let slack = passwords.hashing.threads();
    assert!(
        (10..10 + slack).contains(&checked),
        "{checked} of {} were checked",
        answers.len()
    );
    let later = |answer: &&Outcome| matches!(answer, Ok(Done::Throttled { wait_ms: 1.. }));
    assert_eq!(answers.iter().filter(later).count(), 1000 - checked);
    // Another network, at the same time.
    assert!(!check(&passwords, "secret", None));
}

/// C04: what is known is a name, a hash and a password together.
#[test]
fn what_was_right_is_known_again_until_anything_is_another() {
    let passwords = passwords();
    let (hash, other) = (made(&passwords, "secret"), made(&passwords, "secret"));
    assert!(check(&passwords, "secret", Some(&hash)));
    let held = hold(&passwords);
    let at_once = |question| poll_once(passwords.verify(question)).transpose().unwrap();
    assert_eq!(
        at_once(question("secret", Some(&hash))),
        Some(Done::Verified(Verdict::Password))
    );
    assert_eq!(at_once(question("Secret", Some(&hash))), None, "another password");
    assert_eq!(
        at_once(question("secret", Some(&other))),
        None,
        "the password was set anew"
    );
    drop(held);
    let mut named = question("secret", Some(&hash));
    named.attempt.login = "tom@example.com".to_owned();
    assert_ne!(
        passwords.known.mark(&named),
        passwords.known.mark(&question("secret", Some(&hash)))
    );
}

#[test]
fn nothing_is_known_where_nothing_is_kept() {
    let passwords = Passwords::start(Hashing {
        keeps: Duration::ZERO,
        ..Hashing::at_cost(4)
    });
    let mark = passwords.unwrap().known.mark(&question("secret", Some("hash")));
    assert_eq!(mark, None);
}

#[test]
fn app_passwords_are_known_by_their_sha_256_and_cost_no_thread() {
    let passwords = passwords();
    let held = hold(&passwords);
    let digits = |text: &str| {
        Sha256::digest(text)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect()
    };
    let app_passwords: Vec<_> = ["one", "two"].map(|text| Secret(digits(text))).into();
    let mut asked = question("two", None);
    asked.app_passwords = app_passwords;
    assert_eq!(
        poll_once(passwords.verify(asked.clone())),
        Some(Ok(Done::Verified(Verdict::AppPassword)))
    );
    asked.password = Secret(asked.app_passwords[0].0.clone());
    assert_eq!(
        poll_once(passwords.verify(asked)),
        None,
        "the hash is no password"
    );
    drop(held);
    let mut elsewhere = question("two", None);
    elsewhere.other_app_passwords = vec![Secret(digits("two"))];
    assert_eq!(
        block_on(passwords.verify(elsewhere)),
        Ok(Done::Verified(Verdict::NotHere))
    );
}

#[test]
fn what_scram_needs_is_made_with_a_salt_of_its_own() {
    let passwords = passwords();
    let make = |password: &str| block_on(passwords.hash(Secret(password.into()))).unwrap().scram;
    let (one, other) = (make("pencil").unwrap(), make("pencil").unwrap());
    assert_ne!(one, other);
    assert!(Verifier::read(Hash::Sha256, &one.sha256).is_some());
    assert!(Verifier::read(Hash::Sha1, &one.sha1).is_some());
    assert_eq!(make("\u{7}"), None, "no client could send it");
}

/// Wrong proofs are cheap to check, so nothing else slows who guesses by them.
#[test]
fn wrong_proofs_use_up_tokens() {
    let passwords = passwords();
    let proof = ScramProof {
        hash: Hash::Sha256,
        verifier: Verifier::invent(Hash::Sha256, "tim", &[1; 32]).to_secret(),
        messages: Vec::new(),
        proof: vec![0; 32],
        fits: true,
    };
    let attempt = attempt("192.0.2.1", 10);
    let answers: Vec<_> = (0..20).map(|_| passwords.prove(&attempt, &proof)).collect();
    assert!(
        answers[..10]
            .iter()
            .all(|answer| *answer == Done::ScramVerified(None)),
        "{answers:?}"
    );
    assert!(
        answers[10..]
            .iter()
            .all(|answer| matches!(answer, Done::Throttled { .. })),
        "{answers:?}"
    );
}

/// C02, measured: medians of a thousand tries each differ by less than a hundredth. Run by
/// `cargo test --release -p lightmail-storage --lib medians -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn medians_of_unknown_and_wrong_are_equal() {
    let passwords = Passwords::start(Hashing::at_cost(8)).unwrap();
    let hash = made(&passwords, "right");
    let mut times = [Vec::new(), Vec::new()];
    for nth in 0..1000 {
        for (hash, times) in [Some(hash.as_str()), None].into_iter().zip(&mut times) {
            let mut asked = question("wrong", hash);
            asked.attempt.login = format!("user{nth}@example.com");
            asked.attempt.per_minute = 1_000_000;
            let begun = std::time::Instant::now();
            block_on(passwords.verify(asked)).unwrap();
            times.push(begun.elapsed());
        }
    }
    let [wrong, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    println!("wrong {:.1} us, unknown {:.1} us", wrong * 1e6, unknown * 1e6);
    assert!((wrong / unknown - 1.0).abs() < 0.01);
}
