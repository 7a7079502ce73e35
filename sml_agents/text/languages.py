# ruff: noqa: RUF001, E501  (words of other scripts, and long alternations)
"""The few words by which people ask, in the languages that users write: one table, read as one rulebook.

Every field is a list of regular expressions, one a line or separated by `|`, matched without regard to case. No
language is ever guessed: a text is held against all of them. A word that means something else in another language of
the table is left out, so a row is short on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["ENGLISH", "OTHERS", "Words", "united"]


@dataclass(frozen=True)
class Words:
    """How one language asks."""

    counts: str = ""
    """Question words for a quantity: `how many`."""
    opens: str = ""
    """Other question words: `which`."""
    requests: str = ""
    """Ways to ask for something without a question: `please tell me`, `I need the`."""
    solves: str = ""
    """Ways to ask for the answer, or to have the task solved."""
    restates: str = ""
    """Ways to speak of the task's own question: `the question is`, `we have to find`."""
    empty: str = ""
    """Words around the value of a guess: `is it`, `correct`, `the answer`."""
    quantities: str = ""
    """Nouns that name a quantity: `price`."""
    unspaced: bool = False
    """Written without spaces between words."""


_INFORM = r"(?:tell|give|provide|share|specify|clarify|explain|let|say|state|confirm|send|remind|inform|indicate)"

ENGLISH = Words(
    counts=r"how (?:many|much|long|far|old|fast|often|big|tall|heavy|large|high|wide|deep|late|soon)",
    opens=r"what(?:'s)?|which|whose|who|whom|when|where|why|how",
    requests=rf"""
        (?:could|can|would|will) (?:you|someone|anyone)(?: please| kindly| also| perhaps){{0,2}} {_INFORM}(?: me| us)?
        (?:please|kindly|pls|plz)(?: also)? {_INFORM}(?: me| us)?
        (?:please|kindly|pls|plz)(?: also)? (?:choose|select|pick|enter|supply|fill in|add|include|describe|name|list|indicate
            |mention) (?:the|an?|your|one|which|what|how)
        you (?:haven't|have not|hadn't|didn't|did not|never)(?: yet)? (?:told|tell|said|say|mention(?:ed)?|give|given|gave
            |specif(?:y|ied)|provided?|stated?)(?: me| us)? (?:the|an?|your|what|which|how|when|where|who|whether)
        (?:^\W*|(?<=[.!,;:-])\s*)(?:the|your) [^.,!?\n\d]{{1,60}}, please(?=\W*$)
        (?:i|we) (?:have|had|got) (?:an?|one|another)(?: quick| short| last| final)? question (?:about|on|regarding|concerning)
        (?:i|we) wanted to (?:ask|know)
        (?:i|we)(?:'d|'ll| will| would)?(?: still| also| first| really| just| only| simply){{0,2}} (?:need|have|want|must
            |require|like|love|ought|should|wish|am trying)(?: to)? (?:know|ask(?! ourselves| myself)|be told|hear|learn)
        (?:i|we)(?:'d|'ll| will| would)?(?: still| also| first| really| just| only){{0,2}} (?:need|require|want|appreciate
            |like|love)(?: to have)? (?:the|your|some|a bit|(?:one |any )?more|one|another|that|this|information|details
            |you to (?:tell|give|provide))
        (?:^\W*|(?<=[.!,;:-])\s*)(?:still )?need(?:ed|s)?:? (?:the|a|an|your|some|more|another|to know|to be told)
        (?:^\W*|(?<=[.!,;:-])\s*)(?:please )?(?:just )?(?:tell|give|send|show) (?:me|us)
        (?:^\W*|(?<=[.!,;:-])\s*)(?:please |kindly )?(?:share|specify|clarify|provide|confirm)
        (?:may|might|could|can) (?:i|we) (?:please |kindly )?(?:know|ask|have|get|see)
        let (?:me|us) know (?:what|how|the|which|when|where|whether|if there|whose|who)
        (?:it would|it'd|would|it will|that would)(?: really| also)? (?:help|be (?:helpful|useful|good|great|nice|best))
            (?:me |us )?(?:to|if i|if we|if you) (?:know|have|knew|had|hear|see|told|could tell|gave)
        (?:knowing|having|being told|learning) (?:the|what|how|which|whether) [^.!?\n]{{1,80}} (?:would|will) (?:help|do|let)
        (?:more|further|additional) (?:information|details|data|facts) (?:is|are|would be) (?:needed|required|welcome)
        i(?:'m| am) (?:asking|missing|lacking|looking for|waiting for|curious|wondering|unsure|not sure) ?
            (?:about|for|to know|what|how|which|whether|the|one)
        (?:i|we) (?:can't|cannot|can not|couldn't)(?: [^\s.!?]+){{1,8}} (?:without|unless (?:i|we) (?:know|have)
            |until (?:i|we) (?:know|have))
        (?:i|we) (?:wonder|lack|miss|request|seek)(?: (?:what|how|which|whether|the|a|one))
        (?:^\W*|(?<=[.!,;:-])\s*)(?:the |one |some |a )?[^.!?\n\d]{{1,60}} (?:is|are) (?:still )?(?:missing|needed|required)(?=[.!\s]*$)
        (?:^\W*|(?<=[.!,;:-])\s*)missing:
    """,
    solves=r"""
        what(?:'s| is| was| would be| should be) (?:the|your) (?:final |correct |right )?(?:answer|solution|result)\b
        (?:tell|give|show|send) (?:me|us) the (?:final |correct |right |full |complete )?(?:answer|solution|result)
        (?:share|provide|state|reveal) the (?:final |correct |right |full |complete )?(?:answer|solution|result)
        (?:could|can|would|will) you (?:please |just |kindly )?(?:solve|answer|do|calculate|compute|work|find|help)
        please (?:solve|answer|calculate|compute|do|work|find|help)
        (?:solve|do) (?:it|this|that)(?: problem)? (?:for me|yourself)
        how (?:do|can|should|would) (?:i|we|you) (?:solve|do|approach|calculate|compute|find|start|begin|answer)
        what (?:should|do|can|would) (?:i|we) do\b
        do you know (?:how|the answer)|can you guess|what do you think|(?:^\W*|(?<=[.!])\s*)help me
    """,
    restates=r"""
        (?:the|your|this) (?:question|problem|task)(?: here)? (?:is|asks|was|wants|says)|you (?:ask|want to know|asked)
        we (?:can )?ask(?: ourselves)?\b|(?:i|we) (?:can )?ask (?:myself|ourselves)|(?:it|this) asks
        (?:we|i) (?:need|want|have|are asked|were asked|am asked|must|are trying|am trying) to
            (?:find|figure|determine|calculate|compute|work)
        ^\W*(?:question|problem|q|step \d+)\s*\d*[:.)]
    """,
    empty=r"""
        is|are|was|were|be|it|it's|its|that|this|the|answer|answers|result|total|sum|solution|value|would|could|can|should
        might|may|must|will|correct|right|true|wrong|i|i'm|am|think|guess|believe|suppose|say|so|maybe|perhaps|then|you
        please|confirm|check|if|of|does|do|equal|equals|equal to|make|come|to|out|at|as|final|my|a|good|fine|now|just
        about|around|exactly|or|and|not|well|hmm|ok|okay|what about|how about|there|in all|altogether|in total
    """,
    quantities=r"price|cost|number|amount|count|quantity|age|weight|speed|length|distance|time|rate|height|duration|share",
)

OTHERS: dict[str, Words] = {
    "de": Words(
        counts=r"wie ?viele?|wie (?:hoch|lange?|alt|weit|groß|teuer|schwer|oft|schnell)",
        opens=r"welche[rsnm]?|wann|warum|wofür|wo|wer|wie|was",
        requests=r"""
            bitte (?:sag|nenn|gib|geb|teil|verrat|erklär|klär|schreib)\w*|(?:sag|nenn|gib|verrat|teil)\w* (?:mir|uns|sie|bitte)
            (?:kannst|könntest|können|könnten|würdest|würden) (?:du|sie|ihr)(?: mir| uns| bitte){0,2}
            (?:ich|wir) (?:brauche|bräuchte|benötige|brauchen|benötigen)n?(?: noch)?
            (?:ich|wir) (?:muss|müsste|möchte|will|würde|müssen) [^.!?\n]{0,60}\b(?:wissen|erfahren)
            (?:mir|uns|es) fehlt|dazu fehlt|fehlt (?:mir|noch)|muss ich wissen|brauche ich|bräuchte ich|benötige ich
        """,
        solves=r"was ist die (?:antwort|lösung)|sag\w* mir die (?:antwort|lösung)|wie löse? (?:ich|man)|kannst du (?:es|das) lösen",
        restates=r"die (?:frage|aufgabe) (?:ist|lautet)|wir (?:müssen|suchen|sollen) |gesucht ist",
        empty=r"ist|es|das|die|der|antwort|ergebnis|lösung|richtig|korrekt|wäre|stimmt|ich|glaube|denke|oder|also|sind|lautet|wohl",
        quantities=r"preis|anzahl|zahl|menge|alter|gewicht|länge|geschwindigkeit|entfernung|dauer|kosten",
    ),
    "fr": Words(
        counts=r"combien|à quel(?:le)? (?:prix|vitesse|distance)",
        opens=r"quel(?:le)?s?|qu'est-ce que|est-ce que?|quand|où|pourquoi|lequel|laquelle|lesquels",
        requests=r"""
            (?:peux|pourrais|veux)[- ]tu|(?:pouvez|pourriez|voulez)[- ]vous|tu (?:peux|pourrais)|vous (?:pouvez|pourriez)
            (?:dis|dites|donne|donnez|indique|indiquez|précise|précisez)[- ](?:moi|nous)|veuillez|merci de (?:me |bien )?\w+
            j'(?:ai|aurais|aurai) (?:encore |aussi )?besoin|il (?:me|nous|manque) ?(?:faut|faudrait|manque|le|la|les|un|une)
            (?:je|nous) (?:voudrais|dois|veux|souhaite|aimerais|devons|voudrions) (?:savoir|connaître)
        """,
        solves=r"quelle est la (?:réponse|solution)|donne[zr]?-moi la (?:réponse|solution)|résou(?:s|dre|dre pour moi)",
        restates=r"la question est|on cherche|nous devons (?:trouver|calculer)|il faut (?:trouver|calculer)",
        empty=r"est-ce|est|c'est|la|le|réponse|résultat|correct|correcte|juste|exact|serait|je|pense|crois|que|bon|bien|ce|cela|donc",
        quantities=r"prix|nombre|quantité|âge|poids|longueur|vitesse|distance|durée|coût",
    ),
    "es": Words(
        counts=r"cuánt[oa]s?|cuán",
        opens=r"cuál(?:es)?|qué|cuándo|dónde|quién|por qué|cómo",
        requests=r"""
            (?:me )?(?:puedes?|podrías?|podría usted) (?:decir|dar|indicar|aclarar|compartir|explicar|confirmar)\w*
            dime|dígame|dame|déme|deme|indíqueme|indícame|necesit(?:o|aría|amos) (?:saber|el|la|los|las|conocer|más|un|que)
            (?:me|nos) (?:falta|faltan|gustaría saber)|(?:quisiera|quiero|debo|tengo que) (?:saber|conocer)|hace falta saber|falta saber
        """,
        solves=r"cuál es la (?:respuesta|solución)|da(?:me|r) la (?:respuesta|solución)|dime la (?:respuesta|solución)|resuélvel[oa]",
        restates=r"la pregunta es|hay que (?:calcular|hallar|encontrar)|debemos (?:calcular|hallar|encontrar)",
        empty=r"es|la|el|respuesta|resultado|correct[oa]|sería|creo|que|son|será|está|bien|verdad|pues",
        quantities=r"precio|número|cantidad|edad|peso|longitud|velocidad|distancia|duración|costo|coste",
    ),
    "it": Words(
        counts=r"quant[oaie]\b",
        opens=r"qual(?:e|i)?|quando|dove|perché|cosa|che cosa",
        requests=r"""
            (?:puoi|potresti|può|potrebbe|potete) (?:dirmi|darmi|indicarmi|chiarire|fornir\w*|spiegar\w*|confermar\w*|condividere)
            dimmi|mi dica|dammi|mi dia|mi (?:serve|servirebbe|servono|manca|mancano|occorre)|(?:ho|avrei) bisogno
            (?:vorrei|devo|dovrei|voglio|dobbiamo) (?:sapere|conoscere)|per favore (?:dimmi|mi dica|indica)
        """,
        solves=r"qual è la (?:risposta|soluzione)|dammi la (?:risposta|soluzione)|dimmi la (?:risposta|soluzione)|risolvil[oa]",
        restates=r"la domanda è|dobbiamo (?:calcolare|trovare)|bisogna (?:calcolare|trovare)",
        empty=r"è|la|il|risposta|risultato|giusto|giusta|corretto|corretta|sarebbe|credo|che|sono|penso|sarà",
        quantities=r"prezzo|numero|quantità|età|peso|lunghezza|velocità|distanza|durata|costo",
    ),
    "pt": Words(
        counts=r"quant[oa]s?\b",
        opens=r"qual|quais|onde|quem|por que|o que",
        requests=r"""
            (?:você )?(?:pode|poderia|podes|poderias) (?:me |por favor )?(?:dizer|dar|informar|fornecer|esclarecer|indicar|explicar|confirmar)\w*
            diga-me|me diga|diz-me|me dê|dê-me|precis(?:o|aria|amos) (?:saber|de|do|da|dos|das|conhecer|que)|(?:me falta|falta-me|falta saber)
            (?:gostaria de|quero|devo|preciso|queria) (?:saber|conhecer)|por favor,? (?:diga|informe|indique)
        """,
        solves=r"qual é a (?:resposta|solução)|(?:me )?d(?:ê|iga)(?:-me)? a (?:resposta|solução)|resolv(?:a|e) (?:isto|isso)",
        restates=r"a (?:pergunta|questão) é|precisamos (?:calcular|encontrar)|devemos (?:calcular|encontrar)",
        empty=r"é|a|o|resposta|resultado|certo|certa|correto|correta|seria|acho|que|são|está|será",
        quantities=r"preço|número|quantidade|idade|peso|comprimento|velocidade|distância|duração|custo",
    ),
    "nl": Words(
        counts=r"hoeveel|hoe (?:lang|oud|ver|duur|snel|zwaar|vaak|groot|hoog)",
        opens=r"welke?|wanneer|waarom|waar|wie|wat",
        requests=r"""
            (?:kun|kan|kunt|zou|zoudt) (?:je|jij|u)(?: mij| me| alsjeblieft| kunnen){0,2}|(?:vertel|zeg|geef|noem|laat) (?:me|mij|het|ons)
            (?:ik|wij|we) (?:moet|wil|zou|moeten|willen) [^.!?\n]{0,60}\bweten|(?:ik|wij|we) heb(?:ben)? [^.!?\n]{0,60}\bnodig|ik mis
        """,
        solves=r"wat is (?:het antwoord|de oplossing)|(?:geef|vertel|zeg) (?:me|mij) het antwoord",
        restates=r"de vraag is|we moeten (?:berekenen|vinden|uitrekenen)",
        empty=r"is|het|antwoord|goed|juist|klopt|zou|dat|de|uitkomst|ik|denk|dus|zijn|correct",
        quantities=r"prijs|aantal|hoeveelheid|leeftijd|gewicht|lengte|snelheid|afstand|duur|kosten",
    ),
    "pl": Words(
        counts=r"ile|jak (?:długo|daleko|często)",
        opens=r"jaki|jaka|jakie|który|która|które|kiedy|gdzie|dlaczego|czy",
        requests=r"czy (?:możesz|mogłbyś|może pan)|podaj|powiedz mi|proszę (?:podać|o|powiedzieć)|(?:muszę|chcę|chciałbym|chciałabym) wiedzieć|potrzebuję|brakuje mi",
        solves=r"jaka jest odpowiedź|podaj odpowiedź",
        restates=r"pytanie brzmi|musimy (?:obliczyć|znaleźć)",
        empty=r"czy|to|jest|odpowiedź|wynik|poprawna|poprawny|dobrze|myślę|że",
        quantities=r"cena|liczba|ilość|wiek|waga|długość|prędkość|odległość",
    ),
    "ru": Words(
        counts=r"сколько|как (?:долго|далеко|часто)",
        opens=r"как(?:ой|ая|ое|ие|ова)|когда|где|почему",
        requests=r"(?:под)?скажи(?:те)?|уточни(?:те)?|сообщите|(?:мне|нам) (?:нужн\w*|надо)(?: знать)?|не хватает|(?:можете|могли бы) (?:вы )?",
        solves=r"какой ответ|скажи(?:те)? ответ",
        restates=r"вопрос в том|нужно (?:найти|вычислить)",
        empty=r"это|ответ|верно|правильно|будет|думаю",
        quantities=r"цена|число|количество|возраст|вес|скорость|расстояние",
    ),
    "tr": Words(
        counts=r"kaç|ne kadar",
        opens=r"hangi|ne zaman|nerede|nedir",
        requests=r"söyler misin(?:iz)?|verir misin(?:iz)?|(?:bilmem|öğrenmem) (?:gerekiyor|lazım)|bilmeliyim|ihtiyacım var|lütfen \w+",
        solves=r"cevap ne(?:dir)?|cevabı söyle",
        empty=r"cevap|doğru|mı|mi|mu|mü|bu",
        quantities=r"fiyat\w*|sayısı|miktar\w*",
    ),
    "zh": Words(
        counts=r"多少|几|多长|多远|多大|多久",
        opens=r"什么|哪|怎么|吗\s*$|吗[。？]",
        requests=r"请(?:问|告诉|提供|说明|给出|补充|确认)|告诉我|(?:我|我们)(?:还|仍)?(?:需要|想|必须|得)知道|缺少|能否|可以告诉|麻烦",
        solves=r"答案是(?:什么|多少)|告诉我答案",
        restates=r"问题是|题目|计算|求出",
        empty=r"是|答案|吗|对|正确|等于|我|觉得|认为|不是",
        quantities=r"价格|数量|价钱|长度|年龄|速度|距离|重量",
        unspaced=True,
    ),
    "ja": Words(
        counts=r"いくつ|いくら|何(?:個|本|枚|人|円|時|分)|どのくらい|どれくらい",
        opens=r"何です|どの|どれ|どこ|いつ|誰|(?:です|ます|した)か(?:。|\s*$)",
        requests=r"教えて|知りたい|知る必要|が必要です|ください|下さい",
        solves=r"答え(?:は|を)(?:何|なん|いくつ|教えて)",
        restates=r"問題は|計算し",
        empty=r"答え|は|です|か|正しい|で|合って|います",
        quantities=r"値段|価格|数|重さ|長さ|速さ|距離|年齢",
        unspaced=True,
    ),
    "ko": Words(
        counts=r"몇|얼마",
        opens=r"무엇|어떤|어느|언제|어디|누구|(?:까요|나요|인가요|니까)(?:\.|\s*$)",
        requests=r"알려 ?주|말해 ?주|알아야|궁금|필요합니다|알고 싶",
        solves=r"답(?:은|이) (?:뭐|무엇)|답을 알려",
        empty=r"답|은|이|인가요|맞나요|입니까",
        quantities=r"가격|개수|나이|무게|길이|속도|거리",
        unspaced=True,
    ),
    "ar": Words(
        counts=r"كم",
        opens=r"ما (?:هو|هي)|ماذا|متى|أين|هل",
        requests=r"أخبرني|أحتاج|من فضلك|يرجى|أريد أن أعرف",
        solves=r"ما (?:هو الجواب|هي الإجابة)",
        empty=r"هل|هو|هي|الجواب|الإجابة|صحيح",
        quantities=r"سعر|عدد|كمية|عمر|وزن|طول|سرعة|مسافة",
    ),
    "hi": Words(
        counts=r"कितने|कितना|कितनी",
        opens=r"क्या|कौन|कब|कहाँ",
        requests=r"बताइए|बताएं|कृपया|जानना",
        solves=r"उत्तर क्या है",
        empty=r"है|उत्तर|सही|यह",
        quantities=r"कीमत|संख्या|मात्रा",
    ),
}


def united(*names: str, languages: tuple[Words, ...] | None = None) -> str:
    """One alternation of the fields `names` of all languages, each alternative between word boundaries where its
    script has words.
    """
    assert {field.name for field in fields(Words)} >= set(names)
    spaced: list[str] = []
    unspaced: list[str] = []
    for words in languages or (ENGLISH, *OTHERS.values()):
        found = [_one_line(getattr(words, name)) for name in names]
        (unspaced if words.unspaced else spaced).extend(text for text in found if text)
    parts = [rf"(?<![^\W_])(?:{'|'.join(spaced)})(?!'?[^\W_])"] if spaced else []
    return "|".join([*parts, *unspaced])


def _one_line(text: str) -> str:
    """Each line is an alternative, unless it is indented further than the first: then it goes on with the one above."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    joined = ""
    for line in lines:
        rest = line.strip()
        goes_on = len(line) - len(line.lstrip()) > margin
        joined += ("" if not joined or rest[0] == "|" else " " if goes_on else "|") + rest
    return joined
