//! Who may compute, and what is opened to whom.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use burn::remote::{ConnectError, IrohHost, IrohRelays, RemoteHost};
use burn::server::IrohIdentity;
use burn::tensor::Device;

use super::{Server, smoke, write_key};
use crate::support::{hourglass, refused};

#[test]
fn who_has_not_the_key_is_not_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start("flex", directory.path());
    let run = directory.path().join("run");
    let attempt = |server: &str, key: &Path| {
        let key = format!("--key={}", key.display());
        let output = hourglass(&smoke(&run, &[format!("--remote={server}"), key]));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!run.exists(), "nothing is left: {said}");
        (output.status.code(), said)
    };
    let other = directory.path().join("other.key");
    write_key(&other, &[7; 32]);
    let (code, said) = attempt(&server.address, &other);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("has another key") && said.contains("its key is the same"),
        "{said}"
    );
    let (code, said) = attempt(&server.address, &directory.path().join("none.key"));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("there is no key at") && said.contains("hourglass serve"),
        "{said}"
    );
    write_key(&other, b"no key");
    let (code, said) = attempt(&server.address, &other);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is no key, which has 32 bytes"), "{said}");
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = attempt(&server.address, &other);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("can be read by others") && said.contains("chmod 600"),
        "{said}"
    );
    let (code, said) = attempt(&format!("{}/4", server.address), &server.key);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        server.is_told("asks for device 4 of 1"),
        "{}",
        server.said()
    );
    assert!(said.contains("hosts only 1 device"), "{said}");
    let (code, said) = attempt("no-such-host.invalid", &server.key);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("no-such-host.invalid:3000 is not known"),
        "{said}"
    );

    // The server's name is public; who knows it alone is turned away.
    let key: [u8; 32] = std::fs::read(&server.key).unwrap().try_into().unwrap();
    let host = IrohHost::new(IrohIdentity::from_bytes(key).id())
        .with_relays(IrohRelays::Disabled)
        .with_address(server.address.parse().unwrap());
    for host in [
        RemoteHost::iroh(host.clone()),
        RemoteHost::iroh(host.clone()).with_credential("guess"),
        RemoteHost::iroh(host).with_credential(key.to_vec()),
    ] {
        let refusal = Device::remote_options(&host).init().unwrap_err();
        assert!(matches!(refusal, ConnectError::Unauthorized), "{refusal}");
    }
    assert!(server.is_told("refused: Iroh client"), "{}", server.said());
}

#[test]
fn nothing_is_opened_to_other_machines_by_accident() {
    let directory = tempfile::tempdir().unwrap();
    let key = format!("--key={}", directory.path().join("remote.key").display());
    for address in ["0.0.0.0:0", "[::]:0"] {
        let listen = format!("--listen={address}");
        refused(
            &["serve", &key, &listen],
            &["can be reached from other machines", "--expose"],
        );
    }
    assert!(!directory.path().join("remote.key").exists());
    refused(&["serve", &key, "--listen=here"], &["--listen"]);
    refused(
        &["serve", &key, "--backend=remote"],
        &["served by the machine that it is of"],
    );
    let server = Server::start("flex", directory.path());
    let listen = format!("--listen={}", server.address);
    refused(
        &["serve", &key, &listen],
        &["cannot be listened on", "port 0 takes a free one"],
    );
}
