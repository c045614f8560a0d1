//! A terminal: a line is shown behind a prompt, run as it is shown, and what it prints is shown too.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Failed, interrupt};

/// A terminal of somebody, with what it has been told to `export`.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    prompt: String,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// What became of one line.
#[derive(Debug)]
pub(super) struct Ran {
    line: String,
    output: String,
    code: Option<i32>,
}

impl Shell {
    /// A terminal in a folder. It has nothing of the terminal that the demonstration was started in but the `PATH`.
    pub(super) fn new(prompt: &str, folder: PathBuf, environment: Vec<(String, String)>) -> Self {
        Self {
            prompt: prompt.to_owned(),
            folder,
            environment,
        }
    }

    /// Shows what this terminal has been told, but for the `PATH`.
    pub(super) fn show_exports(&self) {
        let told = self.environment.iter().filter(|(name, _)| name != "PATH");
        let told: Vec<String> = told.map(|(name, value)| format!("{name}={value}")).collect();
        println!("{}$ export {}", self.prompt, told.join(" "));
    }

    /// Shows a line, runs it, and shows what it prints.
    pub(super) fn run(&self, line: &str) -> Result<Ran, Failed> {
        interrupt::check()?;
        println!("{}$ {line}", self.prompt);
        let ran = self.quietly(line)?;
        print!("{}", ran.output);
        if !ran.output.is_empty() && !ran.output.ends_with('\n') {
            println!();
        }
        interrupt::check()?;
        Ok(ran)
    }

    /// Runs a line without showing it.
    pub(super) fn quietly(&self, line: &str) -> Result<Ran, Failed> {
        let failed = |error| Failed::new(format!("cannot run {line}: {error}"));
        // One pipe for both, so that everything comes in the order in which it was said.
        let (mut reader, writer) = std::io::pipe().map_err(failed)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.folder)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer);
        let mut child = command.spawn().map_err(failed)?;
        // It holds the writing ends.
        drop(command);
        let mut output = Vec::new();
        reader.read_to_end(&mut output).map_err(failed)?;
        let status = child.wait().map_err(failed)?;
        Ok(Ran {
            line: line.to_owned(),
            output: String::from_utf8_lossy(&output).into_owned(),
            code: status.code(),
        })
    }
}

impl Ran {
    /// It ended with this exit code and printed all of these.
    pub(super) fn gives(self, code: i32, parts: &[&str]) -> Result<String, Failed> {
        let missing = parts.iter().find(|part| !self.output.contains(**part));
        let wrong = match (self.code, missing) {
            (Some(ended), None) if ended == code => return Ok(self.output),
            (Some(ended), _) if ended != code => format!("ended with exit code {ended}, not {code}"),
            (None, _) => "was ended by a signal".to_owned(),
            (Some(_), missing) => format!("did not print {:?}", missing.unwrap_or(&"")),
        };
        Err(Failed::new(format!(
            "this step did not give what it should: `{}` {wrong}; it printed:\n{}",
            self.line, self.output
        )))
    }

    /// It did what it was told, and printed all of these.
    pub(super) fn done(self, parts: &[&str]) -> Result<String, Failed> {
        self.gives(0, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Shell {
        let environment = vec![("WHO".to_owned(), "me".to_owned())];
        Shell::new("test", std::env::temp_dir(), environment)
    }

    #[test]
    fn both_outputs_come_in_order_and_are_checked() {
        let ran = || shell().quietly("echo $WHO; echo no >&2; echo end; exit 3").unwrap();
        assert_eq!(ran().gives(3, &["me", "end"]).unwrap(), "me\nno\nend\n");
        let wrong = ran().gives(0, &[]).unwrap_err().to_string();
        assert!(
            wrong.contains("exit code 3, not 0") && wrong.contains("me\nno"),
            "{wrong}"
        );
        let missing = ran().gives(3, &["you"]).unwrap_err().to_string();
        assert!(missing.contains("did not print \"you\""), "{missing}");
        let killed = shell()
            .quietly("kill -9 $$")
            .unwrap()
            .done(&[])
            .unwrap_err()
            .to_string();
        assert!(killed.contains("by a signal"), "{killed}");
    }
}
