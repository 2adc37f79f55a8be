//! `import`: a run whose weights another program trained.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use sha2::{Digest, Sha256};

use super::conclusion::{Conclusion, origin, result};
use super::pictures::Pictures;
use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json, create_run, new_run, record_latest, say, with_run};
use crate::cli;
use crate::config::Config;
use crate::data::{Checksum, hexadecimal};
use crate::device;
use crate::error::Error;
use crate::files;
use crate::memory;
use crate::model::import::{ImportError, Imported, import};
use crate::model::weights::Network;
use crate::report::MetricsLog;
use crate::report::text::table;
use crate::run_directory::Destination;
use crate::signals::Interruption;
use crate::train::Fitted;

pub fn run(arguments: &cli::Import, quiet: bool) -> Result<(), Error> {
    let begun = Instant::now();
    let (config, destination) = new_run(&arguments.new, arguments.new.backend, None)?;
    let bytes = files::read(&arguments.weights, memory::most_bytes()).map_err(|unreadable| {
        let problem = ImportError::Unreadable(unreadable.error.to_string());
        import_error(&arguments.weights, problem)
    })?;
    let opened = device::open(config.backend)?;
    let import = Import {
        arguments,
        config: &config,
        opened: &opened,
        destination: &destination,
        bytes: &bytes,
        quiet,
    };
    let (summary, pictures) = match prepare(&config, &opened, Examples::Known)? {
        Prepared::Autoencoder(network, task) => import.finish(network, &task),
        Prepared::Variational(network, task) => import.finish(network, &task),
        Prepared::Classifier(network, task) => import.finish(network, &task),
        Prepared::Tied(..) => Err(Error::NotImportable("tied weights")),
        Prepared::Baseline(..) => Err(Error::NotImportable("a baseline")),
    }?;
    match arguments.json {
        true => answer_json(&summary),
        false => answer(&result(&summary, &pictures, begun.elapsed())),
    }
}

struct Import<'a> {
    arguments: &'a cli::Import,
    config: &'a Config,
    opened: &'a device::OpenDevice,
    destination: &'a Destination,
    bytes: &'a [u8],
    quiet: bool,
}

impl Import<'_> {
    /// Writes the run; nothing of it before the weights are known to fit.
    fn finish<M: Network + Module, T: Pictures<M>>(
        self,
        network: M,
        task: &T,
    ) -> Result<(serde_json::Value, Vec<std::path::PathBuf>), Error> {
        let path = &self.arguments.weights;
        let parameters = network.num_params();
        let Imported {
            network,
            taken,
            ignored,
        } = import(network, self.bytes).map_err(|problem| import_error(path, problem))?;
        if !self.quiet {
            let rows: Vec<[String; 4]> = taken
                .into_iter()
                .map(|taken| {
                    let note = if taken.is_transposed {
                        "transposed"
                    } else {
                        ""
                    };
                    let shape = format!("{:?}", taken.shape);
                    [taken.parameter, taken.tensor, shape, note.to_owned()]
                })
                .collect();
            say(table(&rows).trim_end());
            for name in ignored {
                say(&format!(
                    "`{name}` is not part of the network and is ignored"
                ));
            }
        }
        let run = create_run(self.destination, self.config)?;
        record_latest(&run);
        MetricsLog::create(&run.metrics(), task.error_metric(), &[])?;
        let conclusion = Conclusion {
            config: self.config,
            run: &run,
            origin: origin(self.opened, task, &network)?,
            parameters,
            imported: Some(Checksum {
                file: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                sha256: hexadecimal(&Sha256::digest(self.bytes)),
            }),
            interruption: Interruption::watch()?,
        };
        let fitted = Fitted {
            network,
            history: Vec::new(),
            epoch: 0,
        };
        let (summary, pictures) = conclusion.write(task, fitted)?;
        Ok((with_run(summary, run.path()), pictures))
    }
}

fn import_error(path: &Path, problem: ImportError) -> Error {
    Error::Import {
        path: path.to_owned(),
        problem,
    }
}
