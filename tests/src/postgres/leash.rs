//! A server that does not outlive us: a shell holds it, and lets go when our end of a pipe closes, however that comes.
//!
//! The kernel's parent-death signal would not do: it comes when the *thread*
//! that started a process ends, which is each test's own, and it removes no folder.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A word means: end the server. The end of the pipe means: and remove the folder.
/// SIGQUIT ends PostgreSQL at once; it recovers from its log with the next start.
const HOLD: &str = r#"
folder=$1
shift
"$@" </dev/null &
server=$!
read -r word
told=$?
kill -QUIT "$server"
wait "$server"
if [ "$told" -ne 0 ]; then rm -rf "$folder"; fi
"#;

/// A held server.
#[derive(Debug)]
pub(super) struct Leash(Child);

impl Leash {
    /// Starts `server`, whose output goes to `log`.
    pub(super) fn start(server: &Command, folder: &Path, log: File) -> Result<Self, String> {
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let shell = Command::new("sh")
            .args(["-c", HOLD, "sh"])
            .arg(folder)
            .arg(server.get_program())
            .args(server.get_args())
            // Ctrl-C ends this process, and so the pipe; the shell must live to see that.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn();
        shell.map(Self).map_err(|error| format!("cannot run sh: {error}"))
    }

    /// Ends the server and waits for that.
    pub(super) fn stop(mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // If the shell is gone, so is the server.
            let _ = pipe.write_all(b"stop\n");
            let _ = self.0.wait();
        }
    }
}
