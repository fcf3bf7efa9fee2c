"""The contract of backbones: plain modules for the stems, stages and heads of a network."""

import abc
from typing import Any, ClassVar

from torch import Tensor, nn

from mtlsearch.backbones.code_embedding import embed_codes, widened
from mtlsearch.backbones.picture_embedding import embed_pictures, with_pictures_as_numbers
from mtlsearch.inputs import InputSchema, TableSchema
from mtlsearch.inputs.network_input import NetworkInput


class Backbone(abc.ABC):
    """Makes the stem, the stages and the heads of a network for inputs that it `takes`.

    A backbone is a frozen dataclass that derives from this class; its fields are its keys in YAML.

    A stem is called with the values of a `NetworkInput`, or its categories, or both in this order.
    What flows on is h[B, *F]: features and perhaps positions, for instance [B, F], [B, S, F] or [B,
    F, H, W]. A stage may change the number of features and the size of an image; what it returns
    the stage of any next level can take.

    A module made here is a plain `nn.Module`. One that is not from `torch.nn` takes its children as
    constructor arguments and keeps each under the argument's name: the export writes it down from
    that.

    Modules that differ in their numbers only are trained as one stack. A field that is but the rate
    of an `nn.Dropout` is declared with metadata `{"per": "member"}`: backbones that differ in it
    are stacked. A module whose forward only calls its children and operations that do alike with
    any number of axes in front (elementwise ones, or on named last axes) says so by `elementwise =
    True` and is stacked child by child, which is faster. One with parameters of its own says
    besides, by `stacks_parameters = True`, that these may have the axes in front as well; one with
    buffers that nothing ever changes, by `stacks_buffers = True`, that these may. What
    torch cannot batch (LSTM, GRU) or keeps statistics (batch norm) is trained network by network.

    A network may be an ensemble: its heads then return [B, k, outputs], the outputs of k members,
    and this axis alone tells that it is one. The loss of a row is the mean of the members' losses
    (`tasks.task_loss`), and what is predicted for it the mean of their predictions, in the task's
    own units (`OutputDecoder.rows_to_predictions`).
    """

    takes: ClassVar[tuple[type[InputSchema], ...]]

    masked: ClassVar[bool] = False
    """Whether modules keep the positions of a sequence or text, and are told which are there.

    Then stems, stages and heads have the mask, bool [B, S], as their last argument; None where the
    input has no mask. What they return must be 0 at the positions that are not there, since soft
    sharing mixes the branches of a level.
    """

    feature_axis: ClassVar[int] = -1
    """The axis of the features in what stems and stages return; the last axis is -1."""

    embedding_factor: float = 1.0
    """What the sizes of the vectors of a table's categories, words and pictures are multiplied by.
    """

    @abc.abstractmethod
    def stem(self, schema: Any) -> nn.Module:
        """Return a module that maps a source's inputs to [B, *F].

        `schema` is of a class in `takes`. Of tables a stem sees numbers only; see `embedded_stem`.
        """

    @abc.abstractmethod
    def stage(self, level: int) -> nn.Module:
        """Return a module that maps [B, *F] to [B, *F] on this level, numbered from 0."""

    @abc.abstractmethod
    def head(self, outputs: int, levels: int) -> nn.Module:
        """Return a module that maps [B, *F] to [B, outputs]: logits, or a standardised value.

        It may map to [B, k, outputs], those of the k members of an ensemble. The network has so
        many levels.
        """

    def embedded_stem(self, schema: InputSchema) -> nn.Module:
        """Return the stem of a network.

        Before its own a table's codes and pictures become vectors.
        """
        if not isinstance(schema, TableSchema):
            return self.stem(schema)
        factor = self.embedding_factor
        without_pictures = with_pictures_as_numbers(schema, factor)
        stem = self.stem(widened(without_pictures, factor))
        if schema.coded:
            stem = embed_codes(without_pictures, factor, stem)
        if schema.pictures:
            stem = embed_pictures(schema, factor, stem)
        return stem

    @classmethod
    def stem_arguments(cls, inputs: NetworkInput) -> tuple[Tensor | None, ...]:
        """Return what a stem is called with."""
        if cls.masked:
            return (*inputs.features, inputs.mask)
        return inputs.features

    @classmethod
    def arguments(cls, h: Tensor, mask: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return what a stage or a head is called with."""
        if cls.masked:
            return (h, mask)
        return (h,)
