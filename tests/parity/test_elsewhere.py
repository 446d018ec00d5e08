"""What docs/nsp-elsewhere.md says of transformers is true of the version that is installed: `make parity`."""

import inspect

import torch
import transformers
from transformers import AlbertConfig, AlbertForPreTraining, BertConfig, DistilBertConfig, RobertaConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING_NAMES as NSP_CLASSES

SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 20}


def test_these_models_have_a_class_for_nsp():
    assert set(NSP_CLASSES) == {"bert", "ernie", "fnet", "megatron-bert", "mobilebert"}
    assert not hasattr(transformers, "TextDatasetForNextSentencePrediction")


def test_the_mask_comes_before_the_segments():
    for kind in (transformers.BertModel, transformers.BertForNextSentencePrediction, transformers.BertForPreTraining):
        first = list(inspect.signature(kind.forward).parameters)[1:4]
        assert first == ["input_ids", "attention_mask", "token_type_ids"]


def test_albert_s_head_for_order_has_dropout_and_two_outputs():
    model = AlbertForPreTraining(AlbertConfig(**SMALL, embedding_size=8))
    names = [name for name, _ in model.sop_classifier.named_children()]
    assert names == ["dropout", "classifier"] and model.sop_classifier.classifier.out_features == 2


def test_which_classifiers_have_a_pooler_and_which_take_segments():
    bert = transformers.BertForSequenceClassification(BertConfig(**SMALL))
    roberta = transformers.RobertaForSequenceClassification(RobertaConfig(**SMALL))
    config = DistilBertConfig(dim=8, n_layers=1, n_heads=2, hidden_dim=8, vocab_size=20)
    distil = transformers.DistilBertForSequenceClassification(config)
    assert bert.bert.pooler is not None and roberta.roberta.pooler is None and not hasattr(distil.distilbert, "pooler")
    assert "token_type_ids" not in inspect.signature(distil.forward).parameters
    assert isinstance(roberta.classifier.dense, torch.nn.Linear) and isinstance(distil.pre_classifier, torch.nn.Linear)


def test_truncation_true_means_the_longest_first():
    text = inspect.getsource(transformers.tokenization_utils_base)
    assert "`True` or `'longest_first'`" in text
