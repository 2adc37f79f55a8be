//! The two layers that give the mean and the log-variance of a variational network's codes, joined to the one that they
//! are here.

use super::names::{self, Meaning};
use super::{Found, ImportError, layers_of};

/// Joins the two layers that are the halves of the layer `head` where the file has them apart: by their names, or by numbers
/// such as those of PyTorch's example (`fc21` is the mean, `fc22` the log-variance).
///
/// # Errors
/// There are such layers, and which is which is not told.
pub fn join(
    found: &mut Vec<Found<'_>>,
    shapes: &[(String, Vec<usize>)],
    head: &str,
) -> Result<(), ImportError> {
    let weight = format!("{head}.weight");
    let shape = shapes.iter().find(|(parameter, _)| *parameter == weight);
    let shape = shape.and_then(|(_, shape)| <[usize; 2]>::try_from(&shape[..]).ok());
    let Some([inputs, outputs]) = shape else {
        return Ok(());
    };
    let is_whole = !layers_of(found, [inputs, outputs]).is_empty();
    let halves = layers_of(found, [inputs, outputs / 2]);
    if is_whole || halves.len() < 2 {
        return Ok(());
    }
    let stem = |half: &(usize, usize)| found[half.0].stem.as_str();
    let meant = |meaning| -> Vec<&(usize, usize)> {
        let is_meant = |half: &&(usize, usize)| Meaning::of(stem(half)) == Some(meaning);
        halves.iter().filter(is_meant).collect()
    };
    let numbered: Vec<_> = halves
        .iter()
        .flat_map(|mu| halves.iter().map(move |log_var| (mu, log_var)))
        .filter(|(mu, log_var)| names::are_numbered_halves(stem(mu), stem(log_var)))
        .collect();
    let (mu, log_var) = match (
        &meant(Meaning::Mu)[..],
        &meant(Meaning::LogVar)[..],
        &meant(Meaning::Deviation)[..],
        &numbered[..],
    ) {
        ([mu], [log_var], ..) => (**mu, **log_var),
        (_, [], [deviation], _) => {
            return Err(ImportError::Posterior(vec![format!(
                "`{}` is σ or ln σ by its name, but the network needs ln σ²: for ln σ, double weight and bias",
                found[deviation.0].name
            )]));
        }
        ([], [], [], [(mu, log_var)]) => (**mu, **log_var),
        _ => {
            let names: Vec<&str> = halves
                .iter()
                .map(|half| found[half.0].name.as_str())
                .collect();
            return Err(ImportError::Posterior(vec![format!(
                "which layer {inputs} → {} is mu and which is log_var is not clear from their names: {}",
                outputs / 2,
                names.join(", ")
            )]));
        }
    };
    let mut joined = Vec::new();
    for (mu, log_var) in [(mu.0, log_var.0), (mu.1, log_var.1)] {
        let (mu, log_var) = (&found[mu], &found[log_var]);
        let axis = match mu.role {
            Some(names::Role::Kernel) => 1,
            _ => 0,
        };
        let mut shape = mu.shape.clone();
        shape[axis] *= 2;
        joined.push(Found {
            name: format!("{} + {}", mu.name, log_var.name),
            role: mu.role,
            stem: mu.stem.clone(),
            shape,
            views: [&mu.views[..], &log_var.views[..]].concat(),
        });
    }
    let parts = [mu.0, mu.1, log_var.0, log_var.1];
    let mut index = 0;
    found.retain(|_| {
        index += 1;
        !parts.contains(&(index - 1))
    });
    found.extend(joined);
    Ok(())
}
