"""Each data set from each of its places, and one clear line, nothing half-made, for what is wrong there."""

import gzip
import hashlib
import io
import json
import os
import pickle
import resource
import struct
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from hallmarks import cli
from hallmarks.data import batches, folders
from hallmarks.data.batches import pool
from hallmarks.data.prepare import get
from hallmarks.data.prepare import prepare as prepare_data
from hallmarks.data.prepared import describe
from hallmarks.data.sets import fashion_mnist
from hallmarks.data.sets.imagenet import Expected
from hallmarks.errors import UserError


def settings(name, training_images=None, test_images=None, pooling=1, augment=()):
    return SimpleNamespace(
        name=name,
        training_images=training_images,
        test_images=test_images,
        pooling=pooling,
        augment=list(augment),
    )


def load(settings, folder):
    return (folders if settings.name == "imagenet" else batches).load(settings, folder)


def prepare(name, source, folder, *expected):
    prepare_data(name, source, folder, **({"expected": expected[0]} if expected else {}))


def refused(message, call, *arguments):
    """The call is refused in one line that holds the message."""
    with pytest.raises(UserError) as error:
        call(*arguments)
    assert message in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def nothing_but(folder, *names):
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


# digits


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "digits"
    assert cli.main(["data", "digits", "-o", str(folder)]) == 0
    return folder


def test_digits(digits):
    dataset = load(settings("digits"), digits)
    assert dataset.train_images.shape == (1437, 1, 8, 8) and dataset.test_images.shape == (360, 1, 8, 8)
    assert dataset.train_images.max() == 255 and dataset.classes == 10
    assert dataset.test_labels.bincount().min() > 20
    nothing_but(digits.parent, "digits")


def test_a_second_preparation_is_the_same(digits, tmp_path):
    prepare("digits", None, tmp_path / "digits")
    prepare("digits", None, tmp_path / "digits")
    assert (tmp_path / "digits/data.json").read_bytes() == (digits / "data.json").read_bytes()
    nothing_but(tmp_path, "digits")


def test_cut_and_pooled(digits):
    whole = load(settings("digits"), digits)
    part = load(settings("digits", 100, 50, 2), digits)
    assert part.train_images.shape == (100, 1, 4, 4) and part.test_images.shape == (50, 1, 4, 4)
    assert part.train_labels.equal(whole.train_labels[:100])
    corner = whole.train_images[7, 0, :2, 2:4].float().mean().round()
    assert part.train_images[7, 0, 0, 1] == corner


def test_settings_that_do_not_fit(digits):
    refused("1438 images asked for, and it has 1437", load, settings("digits", 1438), digits)
    refused("361 images asked for", load, settings("digits", None, 361), digits)
    refused("3 does not divide images of 8×8", load, settings("digits", pooling=3), digits)
    refused("holds digits, not cifar10", load, settings("cifar10"), digits)
    refused("give no folder", prepare, "digits", digits, digits / "none")
    refused(
        "no data set is called 'mnist'; there are cifar10, digits",
        prepare,
        "mnist",
        None,
        digits / "none",
    )


def test_pooling_rounds():
    assert pool(np.array([[[[0, 255], [255, 255]]]], np.uint8), 2).item() == 191


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:-1] + b"\xff"])
def test_prepared_file_that_changed(tmp_path, damage):
    folder = tmp_path / "digits"
    prepare("digits", None, folder)
    path = folder / "train-images.npy"
    path.write_bytes(damage(path.read_bytes()))
    refused(f"{path}: altered or truncated", load, settings("digits"), folder)
    path.unlink()
    refused(f"{path}: cannot be read", load, settings("digits"), folder)


def test_prepared_folder_that_is_not_whole(tmp_path):
    refused(f"{tmp_path / 'data.json'}: cannot be read", load, settings("digits"), tmp_path)
    (tmp_path / "data.json").write_text('{"name": "digits"}')
    refused("not a data set's description", load, settings("digits"), tmp_path)


def test_a_disk_that_fills(digits, tmp_path):
    """The write of a file fails in its middle: nothing is left, and what was there before stays."""
    prepare("digits", None, tmp_path / "before")
    labels = (tmp_path / "before/train-labels.npy").read_bytes()
    (tmp_path / "before/data.json").unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        refused("new: cannot be written (File too large)", prepare, "digits", None, tmp_path / "new")
        refused("before: cannot be written", prepare, "digits", None, tmp_path / "before")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    nothing_but(tmp_path, "before")
    assert (tmp_path / "before/train-labels.npy").read_bytes() == labels


def test_data_that_are_there_are_taken_as_they_are(digits, tmp_path, capfd):
    """Its description may have been deleted, as a workflow does before a job; its files may be damaged."""
    folder = tmp_path / "digits"
    command = ["data", "digits", "-o", str(folder)]
    assert cli.main(command) == 0 and capfd.readouterr().err == ""
    written = (folder / "train-images.npy").stat().st_mtime_ns
    assert cli.main(command) == 0 and "taken as it is" in capfd.readouterr().err
    assert (folder / "train-images.npy").stat().st_mtime_ns == written
    (folder / "data.json").unlink()
    assert cli.main(command) == 0
    (folder / "test-labels.npy").write_bytes(b"cut")
    assert cli.main(command) == 0
    for path in digits.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_a_folder_that_holds_something_else_stays(tmp_path, monkeypatch):
    (tmp_path / "thesis.tex").touch()
    monkeypatch.chdir(tmp_path)
    refused("holds other files, such as thesis.tex", prepare, "digits", None, Path())
    nothing_but(tmp_path, "thesis.tex")


def test_a_link_to_another_disk_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "digits").symlink_to("elsewhere")
    prepare("digits", None, tmp_path / "digits")
    assert (tmp_path / "digits").is_symlink() and (tmp_path / "elsewhere/data.json").exists()


def test_a_folder_that_may_not_be_read(tmp_path):
    """Root may read everything, so that root becomes nobody here."""
    tmp_path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        for name in ("fashion-mnist", "cifar10", "imagenet"):
            refused("cannot be read (Permission denied)", get, name, tmp_path / "source")
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    refused("cannot be written (Not a directory)", prepare, "digits", None, tmp_path / "file" / "digits")


# Fashion-MNIST, on small files of its format

IMAGES = {
    "train": np.random.RandomState(0).randint(0, 256, (20, 28, 28)).astype(np.uint8),
    "t10k": np.random.RandomState(1).randint(0, 256, (10, 28, 28)).astype(np.uint8),
}
LABELS = {name: (np.arange(len(images)) % 10).astype(np.uint8) for name, images in IMAGES.items()}


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


def idx_files():
    for split in ("train", "t10k"):
        yield f"{split}-images-idx3-ubyte", idx(IMAGES[split])
        yield f"{split}-labels-idx1-ubyte", idx(LABELS[split])


def write_idx(folder, level=9):
    folder.mkdir(parents=True)
    for name, content in idx_files():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, level))
    return folder


@pytest.fixture
def small_fashion(monkeypatch, tmp_path):
    """The digests of the small files are asked for, and no way but a folder works."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in idx_files()}
    monkeypatch.setattr(fashion_mnist, "SHA256", digests)
    monkeypatch.setattr(fashion_mnist, "PACKAGE_FOLDER", tmp_path.absolute() / "usr/share/none")
    monkeypatch.setattr(fashion_mnist, "call", fails("E: Unable to locate package"))
    monkeypatch.setattr("torchvision.datasets.FashionMNIST", fails("no route to host", OSError))


def fails(message, kind=UserError):
    def call(*arguments, **options):
        raise kind(message)

    return call


def check_small_fashion(folder, origin):
    dataset = load(settings("fashion-mnist"), folder)
    assert np.array_equal(dataset.train_images[:, 0], IMAGES["train"])
    assert np.array_equal(dataset.test_images[:, 0], IMAGES["t10k"])
    assert np.array_equal(dataset.train_labels, LABELS["train"]) and dataset.classes == 10
    assert origin in json.loads((folder / "data.json").read_text())["source"]


@pytest.mark.parametrize("level", [1, 9])
def test_fashion_mnist_from_a_folder(small_fashion, tmp_path, level):
    source = write_idx(tmp_path / "source", level)
    prepare("fashion-mnist", source, tmp_path / "out")
    check_small_fashion(tmp_path / "out", str(source))


def test_fashion_mnist_decoded(small_fashion, tmp_path):
    for name, content in idx_files():
        (tmp_path / name).write_bytes(content)
    prepare("fashion-mnist", tmp_path, tmp_path / "out")
    check_small_fashion(tmp_path / "out", str(tmp_path))


def test_fashion_mnist_from_the_installed_package(small_fashion, tmp_path):
    write_idx(fashion_mnist.PACKAGE_FOLDER)
    prepare("fashion-mnist", None, tmp_path / "out")
    check_small_fashion(tmp_path / "out", "installed")


def test_fashion_mnist_from_the_downloaded_package(small_fashion, tmp_path, monkeypatch):
    """apt-get leaves a package, here one made with dpkg-deb, and it is unpacked as any user can."""
    package = tmp_path / "package"
    write_idx(package / fashion_mnist.PACKAGE_FOLDER.relative_to("/"))
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN/control").write_text(
        f"Package: {fashion_mnist.PACKAGE}\nVersion: 1\nArchitecture: all\nMaintainer: us <a@b.c>\n"
        "Description: images\n"
    )

    def call(command, folder):
        if command[0] == "apt-get":
            command = ["dpkg-deb", "--build", str(package), "."]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    monkeypatch.setattr(fashion_mnist, "call", call)
    prepare("fashion-mnist", None, tmp_path / "out")
    check_small_fashion(tmp_path / "out", "apt-get download")


def test_fashion_mnist_from_torchvision(small_fashion, tmp_path, monkeypatch):
    def download(root, download):
        write_idx(Path(root) / "FashionMNIST" / "raw")

    monkeypatch.setattr("torchvision.datasets.FashionMNIST", download)
    prepare("fashion-mnist", None, tmp_path / "out")
    check_small_fashion(tmp_path / "out", "torchvision")


def test_fashion_mnist_from_nowhere_names_four_ways(small_fashion, tmp_path):
    message = refused("four ways", prepare, "fashion-mnist", None, tmp_path / "out")
    for part in (
        "--source FOLDER",
        "installed (",
        "apt-get download",
        "Unable to locate",
        "no route to host",
    ):
        assert part in message
    assert not (tmp_path / "out").exists()


def test_fashion_mnist_of_another_digest_is_passed_over(small_fashion, tmp_path):
    folder = write_idx(fashion_mnist.PACKAGE_FOLDER)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS["train"])))
    refused("installed (", prepare, "fashion-mnist", None, tmp_path / "out")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-100], "truncated or not gzip"),
        (lambda content: b"not gzip", "truncated or not gzip"),
        (lambda content: content[:40] + b"\0\0\0" + content[43:], "t10k-images-idx3-ubyte.gz: "),
        (lambda content: gzip.compress(gzip.decompress(content)[:-1] + b"\0"), "altered: SHA-256"),
    ],
)
def test_fashion_mnist_damaged(small_fashion, tmp_path, damage, message):
    path = write_idx(tmp_path / "source") / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    assert str(path) in refused(message, prepare, "fashion-mnist", tmp_path / "source", tmp_path / "out")
    nothing_but(tmp_path, "source")


def test_fashion_mnist_unreadable(small_fashion, tmp_path):
    source = write_idx(tmp_path / "source")
    refused("not a folder; it should hold", prepare, "fashion-mnist", tmp_path / "none", tmp_path / "out")
    path = source / "train-images-idx3-ubyte.gz"
    path.unlink()
    refused(f"{path}: cannot be read (No such file", prepare, "fashion-mnist", source, tmp_path / "out")
    path.symlink_to(path)
    refused(f"{path}: cannot be read", prepare, "fashion-mnist", source, tmp_path / "out")


def test_a_command_that_fails(tmp_path):
    refused("ls: ls: cannot access", fashion_mnist.call, ["ls", "no-such-file"], tmp_path)
    refused("no-such-command: No such file", fashion_mnist.call, ["no-such-command"], tmp_path)


# CIFAR-10, on small files of its format


@pytest.fixture
def small_cifar(monkeypatch, tmp_path):
    """A folder that holds `cifar-10-batches-py`, whose MD5 sums are asked for."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "source" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    md5 = {}

    def write(name, entry):
        content = pickle.dumps(entry)
        (folder / name).write_bytes(content)
        md5[name] = hashlib.md5(content).hexdigest()

    for name, _ in CIFAR10.train_list + CIFAR10.test_list:
        random = np.random.RandomState(len(md5))
        data = random.randint(0, 256, (4, 3072)).astype(np.uint8)
        write(name, {"data": data, "labels": [0, 1, 2, len(md5)]})
    write("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(CIFAR10, "train_list", [[name, md5[name]] for name, _ in CIFAR10.train_list])
    monkeypatch.setattr(CIFAR10, "test_list", [[name, md5[name]] for name, _ in CIFAR10.test_list])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5["batches.meta"]})
    return folder.parent


def archive(source):
    """The same as an archive, beside nothing else."""
    folder = source.parent / "archive"
    folder.mkdir()
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as tar:
        tar.add(source / "cifar-10-batches-py", "cifar-10-batches-py")
    return folder


@pytest.mark.parametrize(
    "where", [lambda source: source, lambda source: source / "cifar-10-batches-py", archive]
)
def test_cifar10(small_cifar, tmp_path, where):
    prepare("cifar10", where(small_cifar), tmp_path / "out")
    dataset = load(settings("cifar10"), tmp_path / "out")
    assert dataset.train_images.shape == (20, 3, 32, 32) and dataset.test_images.shape == (4, 3, 32, 32)
    assert dataset.train_labels[3::4].tolist() == [0, 1, 2, 3, 4] and dataset.classes == 10
    with open(small_cifar / "cifar-10-batches-py/data_batch_2", "rb") as file:
        data = pickle.load(file)["data"]
    assert np.array_equal(dataset.train_images[4].flatten(), data[0])


def test_cifar10_altered_is_not_unpickled(small_cifar, tmp_path):
    path = small_cifar / "cifar-10-batches-py/data_batch_3"
    path.write_bytes(b"cos\nabort\n(tR.")
    refused(f"{path}: altered or truncated: MD5", prepare, "cifar10", small_cifar, tmp_path / "out")
    path.unlink()
    refused(f"{path}: cannot be read", prepare, "cifar10", small_cifar, tmp_path / "out")
    nothing_but(tmp_path, "source")


def test_cifar10_archive_damaged(small_cifar, tmp_path):
    path = archive(small_cifar) / "cifar-10-python.tar.gz"
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"no archive", b""):
        path.write_bytes(damaged)
        assert str(path) in refused("", prepare, "cifar10", path.parent, tmp_path / "out")
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("other"), io.BytesIO())
    refused("not a whole archive", prepare, "cifar10", path.parent, tmp_path / "out")


def test_cifar10_from_nowhere(small_cifar, tmp_path, monkeypatch):
    refused("holds neither cifar-10-batches-py/ nor", prepare, "cifar10", tmp_path, tmp_path / "out")
    monkeypatch.setattr("torchvision.datasets.CIFAR10.download", fails("no route to host", OSError))
    refused("no route to host); give a folder", prepare, "cifar10", None, tmp_path / "out")


# ImageNet, on a small tree of real JPEGs

SMALL = Expected(classes=3, train=12, test=6)


def write_tree(folder, classes=3, train=4, test=2, size=(80, 60)):
    random = np.random.RandomState(0)
    for split, number in (("train", train), ("val", test)):
        for label in range(classes):
            parent = folder / split / f"n{label:08d}"
            parent.mkdir(parents=True)
            for image in range(number):
                pixels = random.randint(0, 256, (size[1], size[0], 3)).astype(np.uint8)
                Image.fromarray(pixels).save(parent / f"{image}.JPEG")
    return folder


def test_imagenet(tmp_path):
    tree = write_tree(tmp_path / "tree")
    command = [
        "data",
        "imagenet",
        "--source",
        str(tree),
        "-o",
        str(tmp_path / "out"),
        "--expect",
        "3",
        "12",
        "6",
    ]
    assert cli.main(command) == 0
    dataset = load(settings("imagenet"), tmp_path / "out")
    assert dataset.train_labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4 and dataset.classes == 3
    assert dataset.test_files[5] == "val/n00000002/1.JPEG"
    some = load(settings("imagenet", 3, 3), tmp_path / "out")
    assert some.train_labels.tolist() == some.test_labels.tolist() == [0, 1, 2]


def test_imagenet_that_was_moved_is_listed_again(tmp_path):
    prepare("imagenet", tree := write_tree(tmp_path / "tree"), tmp_path / "out", SMALL)
    before = describe(tmp_path / "out")
    prepare("imagenet", tree.rename(tmp_path / "moved"), tmp_path / "out", SMALL)
    assert describe(tmp_path / "out") == before | {"source": str(tmp_path / "moved")}


def test_imagenet_incomplete(tmp_path):
    out = tmp_path / "out"
    tree = write_tree(tmp_path / "tree")
    refused("3 classes, not 1000", prepare, "imagenet", tree, out)
    refused("give a folder with train/ and val/", prepare, "imagenet", None, out)
    refused(f"{tree / 'train'}: 12 images, not 13", prepare, "imagenet", tree, out, Expected(3, 13, 6))
    refused(f"{tree / 'val'}: 6 images, not 5", prepare, "imagenet", tree, out, Expected(3, 12, 5))
    refused("none/train: cannot be read", prepare, "imagenet", tmp_path / "none", out)
    (tree / "val/n00000001").rename(tree / "val/n00000009")
    refused("n00000001 is in only one of train/ and val/", prepare, "imagenet", tree, out, SMALL)
    nothing_but(tmp_path, "tree")


def test_imagenet_class_without_image(tmp_path):
    tree = write_tree(tmp_path / "tree")
    for image in (tree / "train/n00000001").iterdir():
        image.rename(tree / "train/n00000000" / f"other-{image.name}")
    refused("train/n00000001: holds no image", prepare, "imagenet", tree, tmp_path / "out", SMALL)


def test_the_command_ends_with_one_line(tmp_path, capsys):
    assert cli.main(["data", "imagenet", "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
