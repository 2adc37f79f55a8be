//! Tensors of `flex` as the slices that they are.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};

/// The numbers of a contiguous tensor, row after row.
pub fn numbers(tensor: &FlexTensor) -> &[f32] {
    let layout = tensor.layout();
    assert!(layout.is_contiguous(), "contiguous");
    &tensor.storage()[layout.start_offset()..][..layout.num_elements()]
}

/// The tensor, or a copy whose numbers lie row after row.
pub fn contiguous(tensor: FlexTensor) -> FlexTensor {
    match tensor.is_contiguous() {
        true => tensor,
        false => tensor.to_contiguous(),
    }
}

/// As [`numbers`], to be changed; they are copied first if another tensor shares them.
pub fn numbers_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let layout = tensor.layout();
    assert!(layout.is_contiguous(), "contiguous");
    let (start, count) = (layout.start_offset(), layout.num_elements());
    &mut tensor.storage_mut()[start..][..count]
}

/// A tensor of `values`, row after row.
pub fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    let layout = Layout::contiguous(shape);
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// Keeps the memory of a tensor for a [`buffer`](crate::memory::buffer) to come, if no other tensor shares
/// it.
pub fn recycle(tensor: FlexTensor) {
    if tensor.is_unique() {
        crate::memory::recycle_data(tensor.into_data());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::buffer;

    #[test]
    fn memory_comes_back_unless_it_is_shared() {
        let length = 12_345; // of no other test
        let first = tensor(vec![1.0; length], Shape::new([length]));
        let shared = first.clone();
        recycle(first);
        assert_eq!(buffer(length), vec![0.0; length], "still in use");
        recycle(shared);
        assert_eq!(buffer(length), vec![1.0; length]);
        assert_eq!(buffer(length), vec![0.0; length], "given once");
    }

    #[test]
    fn numbers_are_those_of_the_view() {
        let mut all = tensor((0..6).map(|i| i as f32).collect(), Shape::new([3, 2]));
        let mut rows = all.narrow(0, 1, 1);
        assert_eq!(numbers(&rows), [2.0, 3.0]);
        numbers_mut(&mut rows)[0] = 9.0;
        assert_eq!(numbers(&all)[2], 2.0, "shared numbers are copied");
        drop(rows);
        numbers_mut(&mut all)[5] = 7.0;
        assert_eq!(numbers(&all), [0.0, 1.0, 2.0, 3.0, 4.0, 7.0]);
    }
}
