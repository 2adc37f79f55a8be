pub fn run(_: &crate::cli::Sweep, _: bool) -> Result<(), crate::error::Error> {
    Ok(())
}
