"""What to measure next for each group of symptoms, with the lines of code that measure it, for PyTorch."""

from dataclasses import dataclass

from nsputil.clinic.log_readers import symptoms as s


@dataclass(frozen=True)
class Question:
    """What to measure.

    Attributes
    ----------
    text : str
    code : str
        Lines for a PyTorch training with ``model``, ``optimizer`` and a ``batch`` of its loader.
    answer : str
        What the outcome says.
    """

    text: str
    code: str
    answer: str


OVERFIT = Question(
    "Can the model learn eight rows by heart?",
    """eight = {name: tensor[:8] for name, tensor in batch.items()}
for _ in range(200):
    loss = model(**eight).loss; loss.backward(); optimizer.step(); optimizer.zero_grad()
print(loss.item())""",
    "Near 0: loop, loss and optimizer work, and the trouble is in the data or the rate. Near ln 2: it is in them.",
)
GRADIENT = Question(
    "Does a gradient reach every tensor, and does the optimizer hold it?",
    """model(**batch).loss.backward()
held = {id(p) for group in optimizer.param_groups for p in group["params"]}
for name, p in model.named_parameters():
    print(name, None if p.grad is None else p.grad.norm().item(), id(p) in held)""",
    "None, 0 or False names a tensor that does not learn.",
)
LABELS = Question(
    "Do the labels fit the text?",
    """print(batch["labels"].bincount())
for row, label in zip(batch["input_ids"][:10], batch["labels"]):
    print(label.item(), tokenizer.decode(row))""",
    "Label 0 is IsNext: B must follow A. All of one label, or a B that does not follow, is the cause.",
)
FINITE = Question(
    "Which number is the first that is not finite?",
    """torch.autograd.set_detect_anomaly(True)
print(loss.item(), [n for n, p in model.named_parameters() if not p.isfinite().all()])
print([n for n, p in model.named_parameters() if p.grad is not None and not p.grad.isfinite().all()])""",
    "A weight: the step before was too large (rate, clipping). Only a gradient: a logarithm of 0, or float16.",
)
RATE = Question(
    "Does a rate ten times smaller, with clipping, keep it down?",
    """for group in optimizer.param_groups:
    group["lr"] *= 0.1
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # before optimizer.step()""",
    "If so, the steps were too large.",
)
RECOUNT = Question(
    "What are loss and accuracy of the same logits?",
    """model.eval()
with torch.no_grad():
    logits = torch.cat([model(**{k: v for k, v in b.items() if k != "labels"}).logits for b in loader])
labels = torch.cat([b["labels"] for b in loader])
print(torch.nn.functional.cross_entropy(logits, labels).item(), (logits.argmax(-1) == labels).float().mean().item())""",
    "If they differ from the log, the report is wrong: another sum or mean, other rows, shifted labels or columns.",
)
SHARED = Question(
    "Do training and held-out rows share text?",
    """train_texts = {tuple(row.tolist()) for b in train_loader for row in b["input_ids"]}
held = [tuple(row.tolist()) for b in held_out_loader for row in b["input_ids"]]
print(sum(row in train_texts for row in held) / len(held))""",
    "Above 0: the held-out set is not held out. Split by document, before pairs are made.",
)
SHUFFLE = Question(
    "Does the accuracy fall to chance if every B is exchanged for that of another row?",
    """second = batch["token_type_ids"] == 1
mixed = dict(batch, input_ids=torch.where(second, batch["input_ids"].roll(1, 0), batch["input_ids"]))
print((model(**mixed).logits.argmax(-1) == batch["labels"]).float().mean().item())""",
    "If it stays, the model reads something else than whether B follows A: a length, a marker, the order of rows.",
)
MODE = Question(
    "Is the model in evaluation mode while it is evaluated, and are both numbers taken in the same mode?",
    """model.eval(); print(model.training)
with torch.no_grad():
    print(model(**train_batch).loss.item(), model(**held_out_batch).loss.item())""",
    "If the two are near each other now, dropout or an old mean made the difference.",
)
MORE = Question(
    "More rows are needed: at least five of training and two evaluations, with loss and accuracy.",
    """from nsputil.clinic.logs import RunLog
log = RunLog()
log.add(step, "train", loss=loss.item(), accuracy=accuracy)
log.add(step, "held_out", loss=held_out_loss, accuracy=held_out_accuracy)
log.save("run.csv")""",
    "docs/run-format.md has the columns that tell more.",
)

QUESTIONS: dict[str, tuple[Question, ...]] = {
    s.NAN: (FINITE, RATE),
    s.CONTRADICTION: (RECOUNT, LABELS),
    s.RISES: (RATE, SHARED),
    s.STUCK: (OVERFIT, GRADIENT, LABELS),
    s.WORSE: (MODE, SHARED),
    s.BETTER: (MODE, SHARED),
    s.PERFECT: (SHUFFLE, SHARED),
    "none": (LABELS, SHUFFLE, RECOUNT),
    "little": (MORE,),
}
