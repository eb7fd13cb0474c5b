"""Batches: pure functions of (seed, epoch, index), each image augmented by its own numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from hallmarks.data.batches import Batches, Dataset, augment, padding
from hallmarks.data.draws import epoch_order
from hallmarks.data.folders import FolderBatches, FolderDataset
from hallmarks.errors import UserError


def dataset(n=64, channels=3, size=32, same=False):
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (n, channels, size, size), generator=random, dtype=torch.uint8)
    if same:
        images[:] = images[:1].clone()
    return Dataset(images, torch.arange(n), images[:10], torch.arange(10), 10)


def batches(data=None, augment=("crop", "flip"), batch_size=16, seed=0):
    settings = SimpleNamespace(name="random", augment=list(augment))
    return Batches(data or dataset(), settings, batch_size, seed, "cpu")


def test_order_is_a_permutation_that_seed_and_epoch_decide():
    order = epoch_order(3, 5, 1000)
    assert order.sort().values.equal(torch.arange(1000))
    assert order.equal(epoch_order(3, 5, 1000))
    for other in ((3, 6), (4, 5), (5, 3)):
        assert not order.equal(epoch_order(*other, 1000))


def test_a_batch_is_a_pure_function_of_seed_epoch_index():
    one, other = batches(), batches()
    torch.manual_seed(1)
    expected = {(epoch, index): one.batch(epoch, index) for epoch in range(2) for index in range(4)}
    torch.manual_seed(2)
    for epoch, index in [(1, 3), (0, 2), (1, 0), (0, 2)]:
        images, labels = other.batch(epoch, index)
        assert images.equal(expected[epoch, index][0]) and labels.equal(expected[epoch, index][1])
    assert not batches(seed=1).batch(0, 0)[0].equal(expected[0, 0][0])


def test_batches_take_no_global_random_number():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    batches().batch(0, 0)
    assert torch.get_rng_state().equal(state)


def test_an_epoch_has_each_image_once_without_the_incomplete_last_batch():
    some = batches(dataset(70))
    assert some.steps_per_epoch == 4
    labels = torch.cat([some.batch(0, index)[1] for index in range(4)])
    assert len(labels.unique()) == 64


def test_augmentation_differs_from_image_to_image_and_epoch_to_epoch():
    some = batches(dataset(same=True))
    images = some.batch(0, 0)[0]
    distinct = {tuple(image.flatten().tolist()) for image in images}
    assert len(distinct) > 12
    assert not images.equal(some.batch(1, 0)[0]) and not images.equal(some.batch(0, 1)[0])


@pytest.mark.parametrize(("kind", "outcomes"), [("flip", 2), ("crop", 81)])
def test_each_outcome_is_as_likely(kind, outcomes):
    some = batches(dataset(8000, 1, 32, same=True), [kind], 8000)
    counts = torch.stack([image.flatten() for image in some.batch(0, 0)[0]]).unique(
        dim=0, return_counts=True
    )[1]
    assert len(counts) == outcomes
    mean = 8000 / outcomes
    assert counts.min() > mean - 5 * mean**0.5 and counts.max() < mean + 5 * mean**0.5


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (1, 28)])
def test_augment_against_one_image_at_a_time(channels, size):
    images = dataset(20, channels, size).train_images
    border = padding(size)
    random = torch.Generator().manual_seed(1)
    shifts = torch.randint(2 * border + 1, (20, 2), generator=random)
    flips = torch.randint(2, (20,), generator=random).bool()
    out = augment(images, shifts, flips)
    for image, (down, right), flip, got in zip(images, shifts.tolist(), flips, out, strict=True):
        padded = torch.nn.functional.pad(image, (border,) * 4)
        window = padded[:, down : down + size, right : right + size]
        assert got.equal(window.flip(2) if flip else window)
    assert augment(images, None, None).equal(images)
    assert augment(images, None, flips)[~flips].equal(images[~flips])


def test_crops_shift_four_pixels_of_32_and_in_proportion_below():
    assert [padding(size) for size in (4, 8, 14, 28, 32, 64)] == [1, 1, 1, 3, 4, 4]


def test_images_are_normalised_and_channels_last():
    data = dataset(64)
    some = batches(data, augment=(), batch_size=64)
    images, _ = some.batch(0, 0)
    assert images.dtype == torch.float32 and images.is_contiguous(memory_format=torch.channels_last)
    assert images.mean((0, 2, 3)).abs().max() < 1e-5 and (images.std((0, 2, 3)) - 1).abs().max() < 1e-3
    values = data.train_images.double()
    assert torch.allclose(some.mean.flatten().double(), values.mean((0, 2, 3)), atol=1e-4)


def test_test_images_are_whole_in_order_and_normalised_as_training_images_are():
    data = dataset(2500)
    data = Dataset(data.train_images, data.train_labels, data.train_images, data.train_labels, 10)
    some = batches(data, augment=())
    images, labels = (torch.cat(parts) for parts in zip(*some.test(), strict=True))
    assert labels.equal(torch.arange(2500)) and [len(part) for part, _ in some.test()] == [500] * 5
    trained, order = some.batch(0, 0)
    assert trained.equal(images[order])


def test_constant_images_stay_finite():
    data = dataset(same=True)
    data.train_images[:] = 7
    assert batches(data).batch(0, 0)[0].isfinite().all()


def test_a_batch_larger_than_the_set():
    with pytest.raises(UserError, match="batch_size: 65 is more than the 64 training images"):
        batches(batch_size=65)


# Batches of image files


def write_images(folder, train=12, test=5):
    """A data set of real JPEGs of several sizes, all within `folder`."""
    random = np.random.RandomState(0)
    names = [f"{number}.jpeg" for number in range(train)]
    for number, name in enumerate(names):
        pixels = random.randint(0, 256, (40 + number, 60 - number, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    labels = np.arange(train)
    return FolderDataset(folder, names, labels, names[:test], labels[:test], train)


def folder_batches(data, augment=("crop", "flip"), batch_size=4, seed=0, workers=0):
    settings = SimpleNamespace(name="imagenet", augment=list(augment), pooling=7)
    return FolderBatches(data, settings, batch_size, seed, "cpu", workers)


def test_a_batch_of_files_is_a_pure_function_of_seed_epoch_index(tmp_path):
    data = write_images(tmp_path)
    one, other = folder_batches(data), folder_batches(data, workers=2)
    expected = {(epoch, index): one.batch(epoch, index) for epoch in range(2) for index in range(3)}
    torch.manual_seed(2)
    state = torch.get_rng_state()
    for epoch, index in [(1, 1), (1, 2), (0, 0)]:
        images, labels = other.batch(epoch, index)
        assert images.equal(expected[epoch, index][0]) and labels.equal(expected[epoch, index][1])
    assert torch.get_rng_state().equal(state)
    assert images.shape == (4, 3, 32, 32) and images.is_contiguous(memory_format=torch.channels_last)
    labels = torch.cat([expected[0, index][1] for index in range(3)])
    assert labels.equal(epoch_order(0, 0, 12)) and one.steps_per_epoch == 3


def test_files_are_augmented_each_by_its_own_numbers(tmp_path):
    data = write_images(tmp_path)
    same = FolderDataset(tmp_path, ["0.jpeg"] * 12, data.train_labels, [], data.test_labels[:0], 12)
    images = torch.cat([folder_batches(same).batch(0, index)[0] for index in range(3)])
    assert len({tuple(image.flatten().tolist()) for image in images}) == 12
    centre = folder_batches(same, augment=()).batch(0, 0)[0]
    assert centre[0].equal(centre[1])


def test_test_files_in_order(tmp_path):
    parts = list(folder_batches(write_images(tmp_path)).test())
    assert torch.cat([labels for _, labels in parts]).tolist() == [0, 1, 2, 3, 4]
    assert [len(images) for images, _ in parts] == [4, 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_image_is_named(tmp_path, workers):
    data = write_images(tmp_path)
    path = tmp_path / "3.jpeg"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match=rf"^{path}: cannot be read as an image \([^\n]*\)$"):
        list(folder_batches(data, workers=workers).test())
    path.unlink()
    with pytest.raises(UserError, match=r"3.jpeg: cannot be read as an image \(No such file or directory\)"):
        list(folder_batches(data, workers=workers).test())


def test_a_batch_larger_than_the_training_set(tmp_path):
    settings = SimpleNamespace(name="imagenet", augment=[], pooling=7)
    with pytest.raises(UserError, match="batch_size: 13 is more than the 12 training images"):
        FolderBatches(write_images(tmp_path), settings, 13, 0, "cpu")
    with pytest.raises(UserError, match="batch_size: 65 is more than the 64 training images"):
        Batches(dataset(), settings, 65, 0, "cpu")
