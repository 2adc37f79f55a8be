//! Operations of our own against the stock operations and formulas that they stand in for.

mod dense;
mod errors;
mod gelu;
mod runs;

use burn::tensor::{DType, Device, Tensor, TensorData};
use hourglass::kernels;

use crate::support;

fn tensor(values: &[f64], rows: usize, device: &Device, dtype: DType) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [rows, values.len() / rows]);
    Tensor::from_data(data.convert_dtype(dtype), (device, dtype))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn device_with_kernels() -> Option<Device> {
    let backends = support::backends();
    let flex = backends
        .into_iter()
        .find(|opened| kernels::is_flex(&opened.device));
    if flex.is_none() {
        println!("skipping: this build has no kernels");
    }
    flex.map(|opened| opened.device)
}
