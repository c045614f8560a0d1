//! Who PostgreSQL runs as: it refuses to be root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Command;

/// Who we are, or `nobody` where we are root.
#[derive(Debug)]
pub(super) enum User {
    /// The one who runs the tests.
    Own,
    /// Somebody who may do nothing.
    Nobody {
        /// User id.
        user: u32,
        /// Group id.
        group: u32,
    },
}

impl User {
    /// Chooses one, and gives them the folder.
    pub(super) fn owning(folder: &Path) -> Result<Self, String> {
        let metadata = fs::metadata(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        // What we made belongs to whom we are.
        if metadata.uid() != 0 {
            return Ok(Self::Own);
        }
        let (user, group) = (id("-u")?, id("-g")?);
        chown(folder, Some(user), Some(group)).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self::Nobody { user, group })
    }

    /// A command that will run as this user.
    pub(super) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Own => Command::new(program),
            Self::Nobody { user, group } => {
                let mut command = Command::new("setpriv");
                let ids = [format!("--reuid={user}"), format!("--regid={group}")];
                command.args(ids).arg("--clear-groups").arg("--").arg(program);
                command
            }
        }
    }
}

fn id(which: &str) -> Result<u32, String> {
    let output = Command::new("id").args([which, "nobody"]).output();
    let output = output.map_err(|error| format!("cannot run id: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| "PostgreSQL does not run as root, and there is no user nobody to run it as".to_owned())
}
