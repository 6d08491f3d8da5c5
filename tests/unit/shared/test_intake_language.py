"""English or plainly something else; a short text decides nothing."""

import pytest

from shared.intake.language import detect, is_supported, read_language

TEXTS = {
    "de": "Guten Tag, ich habe vor zwei Wochen ein Paket bestellt und es ist immer noch nicht da."
    " Ich möchte bitte wissen, wann ich mein Geld zurück bekomme.",
    "es": "Hola, buenos días, llamo porque no he recibido el pedido que hice la semana pasada y"
    " quiero saber qué pasa con mi paquete, por favor.",
    "fr": "Bonjour, je vous appelle parce que je n'ai pas reçu ma commande et je voudrais savoir"
    " quand elle va arriver chez moi, merci de me répondre.",
    "pt": "Olá, bom dia, eu comprei uma máquina na loja de vocês e ela não funciona mais, então eu"
    " quero o meu dinheiro de volta com urgência, por favor.",
    "it": "Buongiorno, ho comprato una lavatrice da voi ma non funziona più e vorrei sapere come"
    " posso avere il rimborso che mi avete promesso, grazie.",
    "nl": "Goedemorgen, ik bel omdat de wasmachine die ik heb gekocht niet goed werkt en ik wil"
    " graag weten wat jullie voor mij kunnen doen, dank u wel.",
    "ja": "こんにちは、先週注文した商品がまだ届いていないのですが、どうなっていますか。",
    "zh": "您好我上周订的货到现在还没有收到请问是怎么回事什么时候可以送到谢谢",
    "ru": "Здравствуйте, я заказал телефон две недели назад, но он так и не пришел.",
    "ar": "مرحبا لقد طلبت هاتفا قبل اسبوعين ولم يصل حتى الان اريد ان اعرف متى سيصل",
}


@pytest.mark.parametrize("tag", TEXTS)
def test_other_languages_are_seen(tag: str) -> None:
    assert detect([TEXTS[tag]]) == tag
    assert read_language("en", [TEXTS[tag]]) == tag
    assert read_language("en-GB", [TEXTS[tag]]) == tag


@pytest.mark.parametrize(
    "text",
    [
        "Hola! Not sure about that.",
        "I ordered a café au lait machine and crème brûlée dishes in São Paulo, where are they?",
        "ok thx. order 4711, sku AB-12, qty 3, ups, tracking 1Z999, eta fri, ref 22, zip 10115",
        "yo i aint got no package n it been like 2 weeks u said it be here monday wtf man gimme it",
        "...",
    ],
)
def test_english_and_short_texts_are_left_alone(text: str) -> None:
    assert detect([text]) is None


def test_what_is_declared_stands_where_we_know_no_better() -> None:
    assert read_language("fr", ["I would like to have my money back, and I want it now."]) == "fr"
    assert read_language("en-US", ["Oui, merci."]) == "en-US"


@pytest.mark.parametrize(
    ("tag", "expected"), [("en", True), ("EN_us", True), ("en-Latn-GB", True), ("enm", False)]
)
def test_supported(tag: str, *, expected: bool) -> None:
    assert is_supported(tag) is expected
