"""Equal texts are encoded once, also when they come in different batches."""

from relatum_server.artifact import TextField, TextForm
from relatum_server.domain import Product, ProductWrite
from relatum_server.services.text_vectors import TextVectors
from tests.fakes.encoder import FakeEncoder
from tests.fakes.store import FakeStore


class CountingEncoder(FakeEncoder):
    """Counts the texts that it encodes."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def encode(self, texts, kind, **options):
        self.seen += texts
        return super().encode(texts, kind, **options)


def test_a_text_that_came_in_an_earlier_batch_is_not_encoded_again():
    encoder = CountingEncoder()
    vectors = TextVectors(encoder, TextForm((TextField("title", 0),), " | "), FakeStore())
    first = ProductWrite(Product(id="a", title="red pen"))
    second = ProductWrite(Product(id="b", title="red pen"))
    one = vectors.make([first], [None], {}, lane="bulk", deadline=None)
    two = vectors.make([second], [None], {}, lane="bulk", deadline=None)
    assert encoder.seen == ["red pen"]
    assert one[0].packed == two[0].packed
