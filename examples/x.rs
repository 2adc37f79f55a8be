use std::time::Instant;
#[global_allocator] static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
use hourglass::{kernels::*, workers};
use burn::tensor::{Tensor, Device, TensorData};
fn t(name: &str, mut f: impl FnMut()) { for _ in 0..50 { f() } let mut v: Vec<f64> = (0..2000).map(|_| { let t = Instant::now(); f(); t.elapsed().as_secs_f64()*1e6 }).collect(); v.sort_by(f64::total_cmp); println!("{name}: median {:.1} us p10 {:.1} p90 {:.1}", v[1000], v[200], v[1800]); }
fn main() {
    let th: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let batch: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(th).build_global().unwrap();
    t("each 2", || workers::each(vec![1, 2], |x| { std::hint::black_box(x); }));
    t("each 4", || workers::each(vec![1, 2, 3, 4], |x| { std::hint::black_box(x); }));
    let n = 100352;
    let (mut w, g, mut m, mut v) = (vec![0.1f32; n], vec![0.01f32; n], vec![0.1f32; n], vec![0.1f32; n]);
    let s = AdamStep { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    t("adam", || s.take(10, 1e-3, 784, &mut w, &g, (&mut m, &mut v)));
    t("adam [128, 784]", || s.take(10, 1e-3, 128, &mut w, &g, (&mut m, &mut v)));
    for (k, tiny) in [1e-10f32, 1e-15, 1e-20].into_iter().enumerate() { let g = vec![tiny; n]; t(&format!("tiny g {tiny} {k}"), || s.take(10, 1e-3, 128, &mut w, &g, (&mut m, &mut v))); }
    let d = Device::flex();
    let r = |a: usize, b: usize| -> Tensor<2> { Tensor::from_data(TensorData::new((0..a*b).map(|i| (i * 7919 % 2003) as f32 / 2003.0 - 0.5).collect::<Vec<f32>>(), [a, b]), &d) };
    for (i, o) in [(784, 128), (128, 32), (32, 128), (128, 784)] {
        let (x, w) = (r(batch, i), r(i, o)); let b = Tensor::<1>::zeros([o], &d);
        t(&format!("dense {i}x{o}"), || { recycle(dense(x.clone(), w.clone(), b.clone(), Epilogue::Identity).into_data()); });
    }
    let (z, x) = (r(batch, 784), r(batch, 784));
    t("bce", || { std::hint::black_box(pointwise_error(Pointwise::CrossEntropyOfLogits, z.clone(), x.clone(), 1e4)); });
    let d = Device::flex().autodiff();
    let r = |a: usize, b: usize| -> Tensor<2> { Tensor::from_data(TensorData::new((0..a*b).map(|i| (i * 7919 % 2003) as f32 / 2003.0 - 0.5).collect::<Vec<f32>>(), [a, b]), &d) };
    for (i, o) in [(784, 128), (128, 32), (32, 128), (128, 784)] {
        let (x, w) = (r(batch, i).require_grad(), r(i, o).require_grad()); let b = Tensor::<1>::zeros([o], &d).require_grad();
        let mut bw: Vec<f64> = vec![];
        for _ in 0..1000 {
            let y = dense(x.clone(), w.clone(), b.clone(), Epilogue::Identity);
            let loss = pointwise_error(Pointwise::Squared, y, r(batch, o), 1.0);
            let t = Instant::now(); std::hint::black_box(loss.backward()); bw.push(t.elapsed().as_secs_f64()*1e6);
        }
        bw.sort_by(f64::total_cmp); println!("backward {i}x{o} median {:.1}", bw[500]);
    }
}
