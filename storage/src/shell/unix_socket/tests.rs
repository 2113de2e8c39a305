use std::os::unix::net::UnixStream;

use super::*;

/// A folder of a test, removed with it.
struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Room {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lm-socket-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn place(&self, name: &str) -> SocketPlace {
        SocketPlace {
            path: self.0.join(name),
            owner: None,
            group: None,
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn refused(place: &SocketPlace) -> String {
    bind(place).map(|_| ()).unwrap_err()
}

#[test]
fn the_file_is_closed_to_others_from_its_first_moment() {
    let room = Room::new("mode");
    let fresh = room.0.join("fresh");
    let socket = bind_closed(&fresh).unwrap();
    // As under umask 0117; a bit more or less that the process' own umask takes.
    assert_eq!(mode(&fresh) & !SOCKET_MODE, 0, "{:o}", mode(&fresh));
    // It does not listen before all is right.
    assert!(!is_served(&fresh).unwrap());
    let made = open(&socket, &fresh, &room.0.join("s")).unwrap();
    assert_eq!((mode(&room.0.join("s")), fresh.exists()), (SOCKET_MODE, false));
    assert_eq!(made, identity(&fs::symlink_metadata(room.0.join("s")).unwrap()));
    assert!(is_served(&room.0.join("s")).unwrap());
}

#[test]
fn a_missing_folder_is_made_and_others_are_left_alone() {
    let room = Room::new("folder");
    let place = room.place("new/s");
    let bound = bind(&place).unwrap();
    assert_eq!((mode(&room.0.join("new")), mode(&place.path)), (0o750, 0o660));
    drop(bound);
    assert!(!place.path.exists());
    fs::set_permissions(room.0.join("new"), Permissions::from_mode(0o711)).unwrap();
    let _bound = bind(&place).unwrap();
    assert_eq!(mode(&room.0.join("new")), 0o711);
    assert!(refused(&room.place("no/such/s")).contains("its folder cannot be made"));
}

#[test]
fn a_folder_where_anybody_may_write_is_refused() {
    let room = Room::new("public");
    fs::set_permissions(&room.0, Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&room.place("s")).contains("chmod o-w"));
    fs::set_permissions(&room.0, Permissions::from_mode(0o1777)).unwrap();
    assert!(bind(&room.place("s")).is_ok());
}

#[test]
fn a_socket_that_is_served_is_not_stolen() {
    let room = Room::new("served");
    let place = room.place("s");
    let ours = bind(&place).unwrap();
    assert_eq!(refused(&place), SERVED);
    assert!(UnixStream::connect(&place.path).is_ok());
    drop(ours);
    // Nor is that of another program, which knows nothing of our lock, however full its queue is.
    let theirs = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    theirs.bind(&SockAddr::unix(&place.path).unwrap()).unwrap();
    theirs.listen(0).unwrap();
    let _waiting = UnixStream::connect(&place.path).unwrap();
    for _ in 0..2 {
        assert_eq!(refused(&place), SERVED);
    }
}

#[test]
fn what_a_dead_server_has_left_is_replaced() {
    let room = Room::new("stale");
    let place = room.place("s");
    // Killed while it served, and another one between bind and rename.
    drop(UnixListener::bind(&place.path).unwrap());
    drop(UnixListener::bind(beside(&place.path, ".new")).unwrap());
    let _bound = bind(&place).unwrap();
    assert!(UnixStream::connect(&place.path).is_ok());
    assert_eq!(mode(&place.path), SOCKET_MODE);
}

#[test]
fn only_a_socket_is_replaced() {
    let room = Room::new("file");
    let place = room.place("s");
    fs::write(&place.path, "precious").unwrap();
    assert!(refused(&place).contains("no socket"));
    assert_eq!(fs::read(&place.path).unwrap(), b"precious");
    fs::remove_file(&place.path).unwrap();
    std::os::unix::fs::symlink("/nowhere", &place.path).unwrap();
    assert!(refused(&place).contains("no socket"));
}

#[test]
fn a_file_that_has_taken_its_place_is_not_removed() {
    let room = Room::new("foreign");
    let place = room.place("s");
    let bound = bind(&place).unwrap();
    fs::remove_file(&place.path).unwrap();
    fs::write(&place.path, "another's").unwrap();
    drop(bound);
    assert!(place.path.exists());
}

#[test]
fn a_path_that_is_too_long_is_told() {
    let room = Room::new("long");
    let error = refused(&room.place(&"x".repeat(108)));
    assert!(error.contains("at most 103 octets"), "{error}");
}

#[test]
fn owner_and_group() {
    let room = Room::new("whose");
    let us = fs::metadata(&room.0).unwrap();
    let unknown = SocketPlace {
        group: Some("no-such-group".into()),
        ..room.place("s")
    };
    assert!(refused(&unknown).starts_with("socket_group: there is no group \"no-such-group\""));
    let unknown = SocketPlace {
        owner: Some("no-such-user".into()),
        ..room.place("s")
    };
    assert!(refused(&unknown).starts_with("socket_owner: there is no user \"no-such-user\""));

    let given = |owner: u32, group: u32| SocketPlace {
        owner: Some(owner.to_string()),
        group: Some(group.to_string()),
        ..room.place("new/s")
    };
    if us.uid() == 0 {
        let place = given(12_345, 23_456);
        let _bound = bind(&place).unwrap();
        for path in [&place.path, &room.0.join("new")] {
            let made = fs::symlink_metadata(path).unwrap();
            assert_eq!((made.uid(), made.gid()), (12_345, 23_456), "{}", path.display());
        }
    } else {
        let _bound = bind(&given(us.uid(), us.gid())).unwrap();
        let foreign = SocketPlace {
            group: Some("0".into()),
            ..room.place("s")
        };
        let error = refused(&foreign);
        assert!(error.contains("usermod -a -G 0"), "{error}");
        assert!(!room.0.join("s.new").exists() && !foreign.path.exists());
        // Nor is a folder of the wrong group left behind.
        let foreign = SocketPlace {
            path: room.0.join("other/s"),
            ..foreign
        };
        assert!(refused(&foreign).contains("usermod -a -G 0"));
        assert!(!room.0.join("other").exists());
    }
}
