"""Finds the local files that a Python module imports, and the reasons for which it cannot be loaded. No code of the module runs.

Reads `{"root", "texts", "entry", "exports", "modules"}` from stdin: the files are those of a folder, or texts by their paths, and `modules` are the
names of modules that layers bring. Writes `{"issues", "files", "names", "config"}` to stdout.
"""

import ast
import json
import os
import sys
from importlib.util import find_spec

MAX_FILES = 10_000


class Folder:
    def __init__(self, root):
        self.root = root

    def read(self, path):
        try:
            with open(os.path.join(self.root, path), "rb") as file:
                return file.read()
        except (OSError, ValueError):
            return None

    def is_folder(self, path):
        return os.path.isdir(os.path.join(self.root, path))


class Texts:
    def __init__(self, texts):
        self.texts = texts

    def read(self, path):
        text = self.texts.get(path)
        return None if text is None else text.encode("utf-8", "replace")

    def is_folder(self, path):
        return any(one.startswith(path + "/") for one in self.texts)


def imports_of(tree, folder):
    """The imported modules as (parts of the name, folder where the search begins or None, line, whether the module needs it)."""
    needed = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split("."), None, node.lineno, id(node) in needed
        elif isinstance(node, ast.ImportFrom):
            base = None if node.level == 0 else "/".join(folder.split("/")[: len(folder.split("/")) - node.level + 1]) if folder else ""
            module = node.module.split(".") if node.module else []
            if module:
                yield module, base, node.lineno, id(node) in needed
            for alias in node.names:
                yield module + [alias.name], base, node.lineno, False


def locate(source, parts, bases):
    """The files of a local module: its own, and those of the packages that hold it; empty when it is not local."""
    for base in bases:
        found = []
        for count in range(1, len(parts) + 1):
            path = "/".join(([base] if base else []) + parts[:count])
            for file in (path + ".py", path + "/__init__.py"):
                if source.read(file) is not None:
                    found.append(file)
        if found or source.is_folder("/".join(([base] if base else []) + parts[:1])):
            return found, True
    return [], False


def is_installed(name):
    try:
        return name in sys.builtin_module_names or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def names_of(tree):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add("*" if node.name == "*" else node.asname or node.name)
    return names


def config_of(tree):
    """The value of a literal `config = {…}`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == ["config"]:
            try:
                value = ast.literal_eval(node.value)
                json.dumps(value)
                return value
            except (ValueError, TypeError):
                return None
    return None


def issue(path, text, line=None, column=None, content=b""):
    lines = content.decode("utf-8", "replace").split("\n")
    shown = lines[line - 1] if line is not None and 0 < line <= len(lines) else None
    return {"path": path, "text": text, "line": line, "column": column, "lineText": shown}


def check(source, entry, exports, modules):
    folder = os.path.dirname(entry)
    issues, names, config, seen, waiting = [], [], None, [], [entry]
    while waiting and len(seen) < MAX_FILES:
        path = waiting.pop(0)
        content = source.read(path)
        if path in seen or content is None:
            continue
        seen.append(path)
        try:
            tree = ast.parse(content, path)
        except SyntaxError as error:
            issues.append(issue(path, "%s: %s" % (type(error).__name__, error.msg), error.lineno, error.offset, content))
            continue
        except (ValueError, RecursionError, MemoryError) as error:
            issues.append(issue(path, "%s: %s" % (type(error).__name__, error)))
            continue
        if path == entry:
            names, config = sorted(names_of(tree)), config_of(tree)
            if "*" not in names and b"globals(" not in content:
                for name in exports:
                    if name not in names:
                        issues.append(issue(path, 'the module has no function "%s"; write: def %s(event, context): …' % (name, name)))
        for parts, base, line, is_needed in imports_of(tree, os.path.dirname(path)):
            found, is_local = locate(source, parts, [folder, ""] if base is None else [base])
            waiting.extend(found)
            if is_needed and not is_local and (base is not None or parts[0] not in modules and not is_installed(parts[0])):
                text = 'the module "%s" is neither in the package, nor in a layer, nor in the standard library: pip install -t <folder> puts it there'
                issues.append(issue(path, text % ".".join(parts), line, 1, content))
    return {"issues": issues[:10], "files": seen, "names": names, "config": config}


def main():
    question = json.load(sys.stdin)
    sys.path[:] = [path for path in sys.path if path not in ("", os.path.dirname(os.path.abspath(__file__)))]
    source = Folder(question["root"]) if question.get("root") is not None else Texts(question["texts"])
    json.dump(check(source, question["entry"], question["exports"], set(question["modules"])), sys.stdout)


main()
