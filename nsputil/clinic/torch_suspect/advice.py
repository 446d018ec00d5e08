"""What to do about a cause, and what to ask next."""

from collections.abc import Sequence

from nsputil.clinic.conclusion import Conclusion
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.faults import FAULTS

#: Repairs of causes that the catalogue of faults does not hold, or that read otherwise in PyTorch.
REPAIRS = {
    "no-zero-grad": "Call optimizer.zero_grad() once before each backward pass, or once after each optimizer.step().",
    "parameter-missing": "Give the optimizer model.parameters(), or all groups of them, after every layer was made.",
    "updates-not-applied": "Call optimizer.step() after loss.backward(), and make the optimizer from the parameters "
    "of the model that is trained, after it was moved and wrapped.",
    "gradients-detached": "Remove detach(), .data, numpy() and torch.no_grad() between the inputs and the loss.",
    "scheduler-order": "Call scheduler.step() once after each optimizer.step(); with gathered batches, once for all.",
    "dropout-in-evaluation": "Call model.eval() before an evaluation, and model.train() after it.",
    "separators-missing": "Let the tokenizer make the pair: tokenizer(a, b) sets [CLS] A [SEP] B [SEP].",
    "first-sentence-lost": "Truncate the longer of the two texts: tokenizer(a, b, truncation='longest_first').",
    "second-sentence-lost": "Truncate the longer of the two texts: tokenizer(a, b, truncation='longest_first').",
    "segment-ids-zero": "Give the model token_type_ids: 0 for [CLS] A [SEP], 1 for B [SEP].",
    "segment-ids-zero-with-separators": "Give the model token_type_ids: 0 for [CLS] A [SEP], 1 for B [SEP].",
    "segments-as-mask": "Name the arrays in the call: BertModel takes attention_mask before token_type_ids.",
    "sum-reduction": "Use reduction='mean'.",
    "sign-flipped": "Minimise the loss itself: no minus sign, and maximize=False in the optimizer.",
    "gradients-delayed": "Call loss.backward() before optimizer.step(), on the loss of the same batch.",
    "head-frozen": "Set requires_grad to True for the head, and give it to the optimizer.",
    "tensors-frozen": "Set requires_grad to True for the tensors that should be trained.",
    "labels-all-is-next": "Look at where the labels are made: all of them are 0.",
    "ignore-index-one": "Leave ignore_index at -100: label 1 is NotNext here.",
    "single-logit": "Give the head two outputs, or use binary cross-entropy with one.",
    "layers-not-registered": "Keep layers in attributes, in a torch.nn.ModuleList or ModuleDict, and bare tensors as "
    "torch.nn.Parameter; make them in __init__.",
    "batch-norm-statistics-stale": "Leave the momentum of a normalization at 0.1: it is the share of the new batch.",
    "loss-broadcast": "Give answers and labels one shape: squeeze the column, or unsqueeze the labels.",
    "shapes-broadcast": "Give predictions and labels one shape before they are compared: both in a row.",
    "divided-by-capacity": "Divide by the number of pairs that were counted, not by full batches.",
    "evaluation-changes-model": "Evaluate under torch.no_grad(), and put back any weights that were exchanged for it.",
    "accumulated-gradients-lost": "Call optimizer.zero_grad() after optimizer.step() only, not before each batch.",
    "optimizer-rebuilt-every-step": "Make the optimizer once, before the loop, and leave its state alone.",
    "penalty-outweighs-loss": "Leave the penalty out, or make its weight a hundred times smaller; AdamW has its own.",
    "weights-put-back": "Load the checkpoint once, before the loop.",
    "logits-rectified": "End the model in a linear layer: no activation comes after the logits.",
    "dropout-on-logits": "Put dropout before the last layer, not after it.",
    "same-pairs-again": "Take a new batch for each step, and look at the rows that the model is given.",
    "label-in-text": "Make the arrays of the two texts alone, and look at what rows of one label have in common.",
    "wrong-vocabulary": "Read the text with the vocabulary that the checkpoint was trained with.",
}

#: What to look at where only the place is known.
QUESTIONS = {
    "pairs": "Print twenty pairs with their labels, and read them.",
    "split": "Split by document before pairs are made, and compare again.",
    "encoding": "Decode three rows: tokenizer.decode(batch['input_ids'][0]), with its segment ids, mask and label.",
    "model": "Compare the logits with those of BertForNextSentencePrediction for the same arrays.",
    "loss": "Compute torch.nn.functional.cross_entropy(logits, labels) beside the loss of one batch.",
    "optimizer": "Train with torch.optim.AdamW and the textbook's five lines, and put one line back at a time.",
    "batching": "Print the rows and the labels of ten batches.",
    "evaluation": "Count right answers by hand: (logits.argmax(1) == labels).float().mean(), with model.eval().",
    "numbers": "Print the loss, the largest logit and the norm of the gradient of the first ten steps.",
}


def repair(conclusion: Conclusion) -> str:
    """Return what to change, or nothing where no cause is known."""
    cause = conclusion.cause
    if cause is None:
        return ""
    if cause in REPAIRS:
        return REPAIRS[cause]
    return FAULTS[cause].fix if cause in FAULTS else ""


def next_question(conclusion: Conclusion, findings: Sequence[Finding]) -> str:
    """Return what to ask next."""
    if conclusion.cause is not None:
        return "Repair it, and examine again: a second cause may be behind it."
    if conclusion.place is not None:
        return QUESTIONS.get(conclusion.place, QUESTIONS["numbers"])
    if conclusion.statement.startswith("The training breaks down"):
        return "Mend the error, then examine again."
    silent = [f for f in findings if f.state == "cannot tell"]
    words = {"arrays.words", "labels.text.training"} & {f.fact for f in silent}
    if words:
        return "Give examine the tokenizer, pairs and documents: then it can compare labels and arrays with the text."
    if conclusion.answer == "has not learned":
        return "Train for longer, or on more pairs; then examine again."
    return "Examine again with evaluate= your own evaluation, if you report numbers of your own."
