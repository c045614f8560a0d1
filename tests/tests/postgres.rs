//! The private PostgreSQL: databases of one's own that sqlx reaches, a crash that loses nothing, and nothing left behind.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use sluice_tests::postgres::{self, Cluster};
use sluice_tests::wait;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection, Error};

async fn connect(url: &str) -> Result<AnyConnection, Error> {
    install_default_drivers();
    AnyConnection::connect(url).await
}

async fn count(connection: &mut AnyConnection) -> i64 {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM kept");
    count.fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn each_database_is_new() {
    for _ in 0..2 {
        let mut connection = connect(&postgres::fresh()).await.unwrap();
        let made = sqlx::query("CREATE TABLE kept (name TEXT NOT NULL)");
        made.execute(&mut connection).await.unwrap();
        assert_eq!(count(&mut connection).await, 0);
        let durable: String = sqlx::query_scalar("SHOW fsync")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(durable, "on");
    }
}

#[tokio::test]
async fn what_was_committed_outlives_a_crash() {
    let cluster = Cluster::start();
    let url = cluster.fresh();
    let mut connection = connect(&url).await.unwrap();
    for statement in [
        "CREATE TABLE kept (name TEXT NOT NULL)",
        "INSERT INTO kept VALUES ('one')",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    cluster.stop();
    assert!(sqlx::query("SELECT 1").execute(&mut connection).await.is_err());
    assert!(connect(&url).await.is_err());
    cluster.restart();
    assert_eq!(count(&mut connect(&url).await.unwrap()).await, 1);
    let log = cluster.log();
    assert!(log.contains("immediate shutdown"), "{log}");
    let folder = cluster.folder().to_owned();
    drop(cluster);
    assert!(!folder.exists());
}

#[test]
#[ignore = "is what the next one starts and kills"]
fn holds_a_cluster_until_killed() {
    let cluster = Cluster::start();
    println!("folder {}", cluster.folder().display());
    // Only a signal ends this.
    loop {
        std::thread::park();
    }
}

#[test]
fn nothing_is_left_when_the_process_is_killed() {
    for signal in ["TERM", "KILL"] {
        let mut holder = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "holds_a_cluster_until_killed", "--nocapture"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        let folder = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("folder ").map(|(_, folder)| folder.to_owned()));
        let folder = folder.expect("the holder says where its cluster is");
        let pid = fs::read_to_string(Path::new(&folder).join("data/postmaster.pid")).unwrap();
        let server = Path::new("/proc").join(pid.lines().next().unwrap());
        assert!(server.exists());
        let kill = Command::new("kill")
            .args(["-s", signal, &holder.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        holder.wait().unwrap();
        wait::until("the server and its folder to go", || {
            (!server.exists() && !Path::new(&folder).exists()).then_some(())
        });
    }
}
