//! Starting a broker: a script that says what a test tells it to stands in for one.

use super::*;
use crate::client::BrokerCommand;
use crate::error::ErrorCode;
use std::fs;
use std::path::Path;

/// A client that starts the script, which says `word`.
fn open(place: &Place, word: &str, timing: Timing) -> (Client, mpsc::Receiver<ClientEvent>) {
    fs::write(place.folder.path().join("word"), word).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/c2c-broker");
    let start = Start::IfAbsent(BrokerCommand::at(script));
    Client::open_with(ClientConfig { start, ..place.config() }, timing)
}

fn starts(place: &Place) -> usize {
    fs::read_to_string(place.folder.path().join("calls")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn the_brokers_own_error_is_passed_on() {
    let place = Place::new();
    let refusal = Error::new(ErrorCode::StoreRefused, "the store is of a newer version", "upgrade c2c");
    let word = format!("{{\"ready\":false,\"error\":{}}}\n", serde_json::to_string(&refusal).unwrap());
    let (client, _events) = open(&place, &word, unhurried());
    assert_eq!(patiently(client.call(delete("a"))).await.unwrap_err().error, refusal);
    let before = starts(&place);
    assert_eq!(patiently(client.call(delete("a"))).await.unwrap_err().error, refusal);
    assert!(starts(&place) <= before + 1, "a call starts at most one");
}

#[tokio::test]
async fn what_keeps_a_broker_from_starting_is_no_fault_of_the_call() {
    let place = Place::new();
    let typo = Error::invalid("c2c.toml, line 3: unknown field `durabilty`", "correct that line");
    let word = format!("{{\"ready\":false,\"error\":{}}}\n", serde_json::to_string(&typo).unwrap());
    let timing = Timing { outage_max: Duration::from_millis(300), ..unhurried() };
    let (client, _events) = open(&place, &word, timing);
    let error = patiently(client.call(delete("a"))).await.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::BrokerUnreachable);
    assert!(error.message.contains(&typo.message), "{}", error.message);
    assert_eq!(error.hint, typo.hint);
}

#[tokio::test]
async fn a_broker_gets_a_few_variables_and_the_store() {
    let place = Place::new();
    let (client, _events) = open(&place, "{\"ready\":false,\"running\":true}\n", unhurried());
    let asked = call(&client, &get("a"));
    let environment = patiently(async {
        loop {
            // The script writes its call after its environment.
            if starts(&place) > 0 {
                return fs::read_to_string(place.folder.path().join("environment")).unwrap();
            }
            // Between two looks at a file that another process writes.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    asked.abort();
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to leave out");
    let of_the_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        let allowed = ["HOME", "PATH", "TMPDIR", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "C2C_LOG"];
        assert!(allowed.contains(&name) || of_the_shell.contains(&name) || name == "CLAUDE_C2C_DB", "{line}");
    }
    let store = place.paths.store.display();
    assert!(environment.contains(&format!("CLAUDE_C2C_DB={store}\n")), "{environment}");
    let calls = fs::read_to_string(place.folder.path().join("calls")).unwrap();
    assert_eq!(calls.lines().next().unwrap(), format!("--store {store} --on-demand --ready-stdout"));
}

#[tokio::test]
async fn whoever_loses_the_race_connects_to_the_winner() {
    let place = Place::new();
    let (client, _events) = open(&place, "{\"ready\":false,\"running\":true}\n", unhurried());
    let asked = call(&client, &get("a"));
    patiently(async {
        while starts(&place) == 0 {
            // Between two looks at a file that another process writes.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let broker = place.listen();
    let (mut connection, _) = broker.accept().await;
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
    assert!(starts(&place) <= 4, "whoever lost goes on looking, not starting");
}

#[tokio::test]
async fn a_broker_that_listens_is_reached_though_the_own_one_never_says_a_word() {
    let place = Place::new();
    let word = place.folder.path().join("word");
    let made = std::process::Command::new("mkfifo").arg(&word).status().unwrap();
    assert!(made.success());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/c2c-broker");
    let start = Start::IfAbsent(BrokerCommand::at(script));
    let timing = Timing { start_max: 10 * PATIENCE, ..unhurried() };
    let (client, _events) = Client::open_with(ClientConfig { start, ..place.config() }, timing);
    let asked = call(&client, &get("a"));
    // Opened for writing as soon as the script reads it, which from then on waits for what is never written.
    let silence =
        patiently(tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(word)));
    let silence = silence.await.unwrap().unwrap();
    let broker = place.listen();
    let (mut connection, _) = broker.accept().await;
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
    drop(silence);
}

#[tokio::test]
async fn a_program_that_is_no_broker_is_named() {
    for (word, said) in
        [("", "it ended with exit status: 0 before it was ready"), ("hello\n", "as a broker does")]
    {
        let place = Place::new();
        let timing = Timing { outage_max: Duration::from_millis(300), ..unhurried() };
        let (client, _events) = open(&place, word, timing);
        let error = patiently(client.call(get("a"))).await.unwrap_err().error;
        assert_eq!(error.code, ErrorCode::BrokerUnreachable);
        assert!(error.message.contains(said), "{}", error.message);
        assert!(error.hint.contains("broker.log"), "{}", error.hint);
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let place = Place::new();
    let timing = Timing { outage_max: Duration::from_millis(100), ..unhurried() };
    let start = Start::IfAbsent(BrokerCommand::at("/no/such/c2c-broker"));
    let (client, _events) = Client::open_with(ClientConfig { start, ..place.config() }, timing);
    let error = patiently(client.call(get("a"))).await.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::BrokerUnreachable);
    assert!(error.message.contains("/no/such/c2c-broker"), "{}", error.message);
}

#[tokio::test]
async fn a_broker_that_listens_is_not_started_again() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = open(&place, "", unhurried());
    let (mut connection, _) = broker.accept().await;
    let asked = call(&client, &get("a"));
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
    assert_eq!(starts(&place), 0);
}

#[tokio::test]
async fn while_another_client_starts_a_broker_none_is_started_but_not_for_ever() {
    let place = Place::new();
    let file = fs::File::create(&place.paths.start_lock).unwrap();
    file.lock().unwrap();
    let begun = std::time::Instant::now();
    let (client, _events) = open(&place, "{\"ready\":false,\"running\":true}\n", unhurried());
    let _asked = call(&client, &get("a"));
    let until_started = |count: usize| {
        let place = &place;
        patiently(async move {
            while starts(place) < count {
                // Between two looks at a file that another process writes.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    until_started(1).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    // Released with whoever had it, and then it is this one's turn.
    drop(file);
    until_started(2).await;
}
