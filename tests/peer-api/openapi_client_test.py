#!/usr/bin/env python3
"""A client that knows nothing but /openapi.json calls every operation with its example, and holds each answer against the
document. Argument: the program jitwg-peer-api."""

import json
import sys
import unittest
from urllib.parse import quote

import jsonschema

from api_program import Api

PROGRAM = sys.argv.pop()
# What must be there before, and what may go only after.
ORDER = ["put", "post", "get", "patch", "delete"]
METHODS = set(ORDER)


class Document:
    def __init__(self, text):
        self.root = json.loads(text)

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.root
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def operations(self):
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    parameters = [self.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
                    yield path, method, operation, parameters

    def validate(self, value, schema):
        jsonschema.Draft202012Validator({"$ref": "#/root", "root": schema, "components": self.root["components"]}).validate(value)


def call_with_example(api, path, method, operation, parameters):
    query = []
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(parameter["example"], safe=""))
        elif "example" in parameter:
            value = parameter["example"]
            query.append(f"{parameter['name']}={quote(json.dumps(value) if not isinstance(value, str) else value)}")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    return api.call(method.upper(), path + ("?" + "&".join(query) if query else ""), body)


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = Api(PROGRAM).__enter__()
        cls.document = Document(cls.api.call("GET", "/openapi.json", token=None)[2])

    @classmethod
    def tearDownClass(cls):
        cls.api.__exit__()

    def check_answer(self, operation, status, kind, text):
        """The answer is one that the operation lists, and looks as it says."""
        self.assertIn(str(status), operation["responses"], text)
        response = self.document.resolve(operation["responses"][str(status)])
        if "content" not in response:
            self.assertEqual(text, "")
            return
        self.assertIn(kind, response["content"])
        if kind.endswith("json"):
            self.document.validate(json.loads(text), response["content"][kind]["schema"])

    def test_every_operation_works_with_its_example_and_answers_as_documented(self):
        operations = sorted(self.document.operations(), key=lambda o: (ORDER.index(o[1]), len(o[0])))
        # The network goes after its peers, the row after the peer of the same key was deleted and made again.
        deletes = [o for o in operations if o[1] == "delete"]
        deletes.sort(key=lambda o: ["/internal/v1/peers/{key}", "/v1/peers/{key}", "/v1/networks/{name}"].index(o[0]))
        create = next(o for o in operations if o[2]["operationId"] == "createPeer")
        rows = [o for o in operations if o[1] == "put"]
        rows.sort(key=lambda o: o[0])
        plan = [o for o in rows if "networks" in o[0]] + [create] + [o for o in operations if o[1] in ("get", "post", "patch")]
        plan += [o for o in rows if "internal" in o[0]] + [deletes[0], create] + deletes[1:]
        for path, method, operation, parameters in plan:
            with self.subTest(path=path, method=method):
                status, kind, text = call_with_example(self.api, path, method, operation, parameters)
                self.assertLess(status, 300, text)
                self.check_answer(operation, status, kind, text)
        self.assertEqual({(o[0], o[1]) for o in plan}, {(o[0], o[1]) for o in operations})

    def test_every_operation_refuses_as_documented(self):
        for path, method, operation, parameters in self.document.operations():
            with self.subTest(path=path, method=method):
                target = path.replace("{key}", "A" * 42 + "E").replace("{name}", "nowhere")
                body = "{" if "requestBody" in operation else None
                token = None if operation.get("security") == [] else "not-a-token-that-is-known"
                if token:
                    self.check_answer(operation, *self.api.call(method.upper(), target, body, token))
                for bad in ("?nonsense=1", "?limit=x", ""):
                    if token is None and not bad:
                        continue
                    self.check_answer(operation, *self.api.call(method.upper(), target + bad, body))
                if body:
                    self.check_answer(operation, *self.api.call(method.upper(), target, "x", headers={"Content-Type": "text/plain"}))
                    self.check_answer(operation, *self.api.call(method.upper(), target, '{"nobody": 1}'))

    def test_every_format_of_a_configuration_is_as_documented(self):
        self.assertEqual(self.api.call("PUT", "/v1/networks/default", {"pools": ["10.8.0.0/24"]})[0], 200)
        operations = {o[2]["operationId"]: o for o in self.document.operations()}
        call_with_example(self.api, *operations["createPeer"])
        path, _, operation, parameters = operations["getConfig"]
        key = next(p["example"] for p in parameters if p["name"] == "key")
        for name in next(p for p in parameters if p["name"] == "format")["schema"]["enum"]:
            status, kind, text = self.api.call("GET", path.replace("{key}", key) + "?format=" + name)
            self.assertEqual(status, 200)
            self.check_answer(operation, status, kind, text)

    def test_the_document_is_openapi(self):
        root = self.document.root
        self.assertRegex(root["openapi"], r"^3\.1\.\d+$")
        self.assertLessEqual({"title", "version"}, set(root["info"]))
        names = set()
        for path, _, operation, parameters in self.document.operations():
            self.assertNotIn(operation["operationId"], names)
            names.add(operation["operationId"])
            wanted = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            self.assertEqual(wanted, {p["name"] for p in parameters if p["in"] == "path"})
            self.assertTrue(all(p["required"] for p in parameters if p["in"] == "path"))
            self.assertTrue(any(code.startswith("2") for code in operation["responses"]))
            for response in operation["responses"].values():
                self.assertIn("description", self.document.resolve(response))
            for tag in operation["tags"]:
                self.assertIn(tag, {t["name"] for t in root["tags"]})

    def test_every_schema_and_reference_holds(self):
        for schema in self.document.root["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    self.assertIsInstance(self.document.resolve(node), dict, node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(self.document.root)
        for _, _, operation, _ in self.document.operations():
            content = operation.get("requestBody", {}).get("content", {})
            for media in content.values():
                self.document.validate(media["example"], media["schema"])


if __name__ == "__main__":
    unittest.main()
