"""Text to words, by the rules of the server's lexical index; a test holds the two together."""

import logging
import re
import unicodedata
import warnings

with warnings.catch_warnings():
    # jieba 0.42.1 has regular expressions in plain strings and asks for pkg_resources.
    warnings.filterwarnings("ignore", message=r"invalid escape sequence", category=SyntaxWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"jieba.*")
    warnings.filterwarnings("ignore", message=r"pkg_resources is deprecated", category=UserWarning)
    import jieba

jieba.setLogLevel(logging.ERROR)
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_RUNS = re.compile(rf"[{_CJK}]+|[^\W\d_{_CJK}]+|\d+(?:\.\d+)?")
_IS_CJK = re.compile(rf"[{_CJK}]")


def words(text: str) -> list[str]:
    """Words in order, with repeats: lower case, NFKC; "14.5OZ" is "14.5" and "oz".

    A run of Chinese or Japanese gives its dictionary words, the shorter words inside them, and its
    single characters, so that a part of a compound finds it.
    """
    found: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).lower()):
        if _IS_CJK.match(run):
            parts = [part for part in jieba.cut_for_search(run) if part.strip()]
            found += parts + [character for character in run if character not in parts]
        else:
            found.append(run)
    return found
