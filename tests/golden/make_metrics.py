"""Writes metrics.json: hostile predictions and what LongBench's own scorer gives them.

    python make_metrics.py LONGBENCH metrics.json

LONGBENCH is the folder with metrics.py and eval.py of LongBench's first edition, which is not part of
this project. Made with Python 3.11.7, rouge 1.0.1, jieba 0.42.1, fuzzywuzzy 0.18.0 (without
python-Levenshtein), numpy 2.4.6. Every text is made here; nothing is downloaded.
"""

import json
import random
import sys
import unicodedata

sys.path.insert(0, sys.argv[1])

import eval as longbench  # noqa: E402
import numpy as np  # noqa: E402

chance = random.Random(20261128)

SPACES = [" ", " ", " ", "\n", "\t", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85",
          "\xa0", "\u1680", "\u2003", "\u2028", "\u202f", "\u205f", "\u3000", "\u200b", "\ufeff", "\u180e", ""]
MARKS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + list(".....,,,---%%%___")
MARKS_ZH = list("！？｡。＂＃％（），－／：；＠［］＿｛｜｝～、〃》「」『』【】〜〝–—‘’“”…‧﹏￥·〈《")
WORDS = ("a an the The AN A the. The, cat dog ran runs river bridge seven 7 07 1931 3.5 12% x1 v2.0.1 abc-def "
         "co-op foo_bar U.S. e.g. don't o'clock naïve café İstanbul STRASSE straße ΣΑΣ ὈΔΥΣΣΕΎΣ Ⅷ ½ ² ٣ ३ ３ ⓐ ǅ ﬁ "
         "e\u0301 a\u0301 the\u0301 n\u0303 क्षि ไทย 한국어 日本語 カタカナ ﾊﾝｶｸ 🙂 👩‍👩‍👧 🇩🇪 \U00020000 \u0378 C++ C# AT&T "
         "unanswerable yes no Paris London Paragraph").split(" ")
ZH = ("今天 的 会议 讨论 了 明年 的 预算 安排 ， 。 财务 部门 提出 三点 建议 我们 在 河边 看见 一座 老 石桥 工程师 说 水位 下降 "
      "北京大学 研究生 命 起源 长春市长 药店 小明 张无忌 李雷 阿尔法 乒乓球 拍卖 完了 南京市 长江大桥 B超 T恤 4S店 卡拉OK "
      "12.5% 2023年 第三季度 45.6亿元 同比 增长 第12条 abc-def 1.2.3 x_y ３５ ㈠ 〇 龘 鿖 㐀 豈 𠀀 台灣 電腦 ☃ \u3000 段落 吗 呢 啊").split(" ")
CODE = ["    return self.items.get(key, default)", "x = np.dot(a, b) + c", "if (i < n) {", "}", "", "   ", "\t",
        "# a comment", "// another", "```python", "```", "print(f\"{x}\")", "int[] a = new int[10];",
        "for (int i = 0; i < n; i++)", "import java.util.List;", "url = 'http://x'", "elif x == '#':", "λ = α + β",
        "const 名前 = '🙂';", "assert(a == b); " * 14, "aaaa" * 60, "ab" * 120 + "c", "c" + "ab" * 120,
        "foo(" + ", ".join(f"arg{i}" for i in range(40)) + ")"]
CLASSES = ["Food", "Date", "Date of birth", "Number of something", "Number", "Other location", "Location", "City",
           "Other entity", "Entity", "ity", "Speed", "", "体育", "文化、休闲娱乐", "文化"]


def pick(items):
    return chance.choice(items)


def words(vocabulary, most):
    return [pick(vocabulary) for _ in range(chance.randrange(most + 1))]


def joined(pieces):
    text = ""
    for piece in pieces:
        text += piece + (pick(SPACES) if chance.random() < 0.8 else pick(MARKS))
    return text


def disturbed(text):
    """Some of its characters left out, doubled, moved or changed in case."""
    kept = []
    for c in text:
        luck = chance.random()
        if luck < 0.04:
            continue
        if luck < 0.08:
            kept.append(c)
        if luck < 0.12:
            c = pick(SPACES + MARKS + MARKS_ZH)
        if luck < 0.16:
            c = c.upper()
        kept.append(c)
    if chance.random() < 0.3 and kept:
        at = chance.randrange(len(kept))
        kept = kept[at:] + kept[:at]
    return "".join(kept)


def mixed(most):
    return joined(words(WORDS + MARKS + (ZH if chance.random() < 0.3 else []), most))


def chinese(most):
    pieces = words(ZH + (WORDS + MARKS + MARKS_ZH + SPACES if chance.random() < 0.5 else MARKS_ZH), most)
    if chance.random() < 0.3:
        pieces = ["".join(chance.sample(list(piece), len(piece))) for piece in pieces]
    return "".join(pieces)


def rare_chinese():
    """Characters that stand in few words, so that the model must guess."""
    return "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(chance.randrange(12)))


def answers(make):
    return [make() for _ in range(pick([0, 1, 1, 1, 1, 2, 3]))]


def pair(make):
    right = answers(make)
    luck = chance.random()
    if luck < 0.06:
        return pick(["", " ", "\n", ".", "...", " . ", "\u3000"]), right
    if luck < 0.7 and right:
        return disturbed(pick(right)), right
    return make(), right


def sentences(make):
    """Some texts of many words and no full stop are deeper than Python's stack."""
    luck = chance.random()
    if luck < 0.04:
        return pick(["p q ", "好 ", "u. ", "中文，"]) * pick([100, 330, 493, 494, 600])
    if luck < 0.5:
        return ". ".join(make(10) for _ in range(chance.randrange(5)))
    return make(40)


def of_code():
    lines = [pick(CODE) for _ in range(chance.randrange(1, 4))]
    return pick(["", "\n", "\n\n", " "]) + pick(["\n", "\r\n", "\n\n"]).join(lines)


def of_number(before):
    number = pick(["1", "7", "07", "12", "30", "٣", "３", "1٣"])
    return pick(["", "see ", before]) + before + number + pick(["", ".", " or " + before + "2"])


def classes_case():
    right = pick(CLASSES)
    named = [right if chance.random() < 0.5 else pick(CLASSES) for _ in range(chance.randrange(4))]
    prediction = pick([" ", ", ", "\n", ""]).join(named)
    listed = chance.sample(CLASSES, chance.randrange(3, len(CLASSES))) + pick([[], ["Date"], ["ity", "ity"]])
    return prediction, [right] + ([pick(CLASSES)] if chance.random() < 0.2 else []), listed


# A data set of each metric, and what makes its texts.
CASES = {
    "qa_f1": ("qasper", 300, lambda: pair(lambda: mixed(8))),
    "qa_f1_zh": ("multifieldqa_zh", 300, lambda: pair(pick([lambda: chinese(10), rare_chinese]))),
    "rouge": ("qmsum", 260, lambda: pair(lambda: sentences(mixed))),
    "rouge_zh": ("vcsum", 260, lambda: pair(pick([lambda: sentences(chinese), rare_chinese]))),
    "classification": ("trec", 250, classes_case),
    "retrieval": ("passage_retrieval_en", 150,
                  lambda: pair(lambda: of_number("Paragraph "))),
    "retrieval_zh": ("passage_retrieval_zh", 150, lambda: pair(lambda: of_number("段落"))),
    "count": ("passage_count", 150, lambda: pair(lambda: pick(["1", "7", "07", "12", "٣", "３", ""]))),
    "code_sim": ("lcc", 250, lambda: pair(of_code)),
}


# As deep in Python's stack as `scorer` of eval.py is.
def grade(dataset, prediction, references, listed):
    best = 0.0
    for reference in references:
        best = max(best, longbench.dataset2metric[dataset](prediction, reference, all_classes=listed))
    return best


def short(text):
    """A long text that repeats itself, as [text, times]."""
    for length in range(1, 8):
        times = len(text) // length
        if times > 60 and text[:length] * times == text:
            return [text[:length], times]
    return text


def ranges(wanted):
    found = []
    for point in range(sys.maxunicode + 1):
        if not 0xD800 <= point <= 0xDFFF and wanted(chr(point)):
            if found and found[-1][1] == point - 1:
                found[-1][1] = point
            else:
                found.append([point, point])
    return found


cases = []
for metric, (dataset, n, make) in CASES.items():
    for _ in range(n):
        prediction, references, *listed = make()
        listed = listed[0] if listed else None
        value = grade(dataset, prediction, references, listed)
        case = {"metric": metric, "prediction": short(prediction), "answers": [short(a) for a in references]}
        cases.append(case | ({"all_classes": listed} if listed else {}) | {"grade": float(value)})

# Grades (i * a + b) mod m / m, and their mean as both editions round it.
means = []
for _ in range(300):
    n, m = pick([1, 2, 3, 7, 8, 9, 16, 40, 127, 128, 129, 200, 500, 1000, 3000]), pick([1, 2, 3, 7, 8, 97, 1000])
    a, b = chance.randrange(1, 1000), chance.randrange(1000)
    grades = [(i * a + b) % m / m for i in range(n)]
    total = 0.0
    for one in grades:
        total += one
    means.append({"n": n, "a": a, "b": b, "m": m, "longbench": round(100 * total / n, 2),
                  "longbench_e": float(round(100 * np.mean(grades), 2))})

classes = {
    "unassigned": ranges(lambda c: unicodedata.category(c) == "Cn"),
    "space": ranges(str.isspace),
    "word": ranges(str.isalnum),
    "digit": ranges(str.isdecimal),
}
lower = [[c, c.lower()] for c in map(chr, range(sys.maxunicode + 1)) if c.lower() != c]

with open(sys.argv[2], "w", encoding="utf-8") as out:
    rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    out.write('{"cases": [\n' + rows + '\n],\n"means": ' + json.dumps(means) + ',\n"classes": '
              + json.dumps(classes, separators=(",", ":")) + ',\n"lower": '
              + json.dumps(lower, ensure_ascii=False, separators=(",", ":")) + "}\n")
