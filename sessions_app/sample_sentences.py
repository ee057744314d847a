"""A sentence in each language of the catalogue, to try a voice with."""

SAMPLE_SENTENCES = {
    "ar": "أهلاً وسهلاً! يسعدنا أن تكونوا معنا اليوم.",
    "ca": "Benvinguts! Ens alegra que avui sigueu amb nosaltres.",
    "de": "Herzlich willkommen! Schön, dass Sie heute dabei sind.",
    "en": "Welcome! It is good to have you with us today.",
    "eo": "Bonvenon! Ni ĝojas, ke vi estas kun ni hodiaŭ.",
    "es": "¡Bienvenidos! Nos alegra que hoy estén con nosotros.",
    "fr": "Bienvenue ! Nous sommes heureux de vous avoir avec nous aujourd'hui.",
    "gl": "Benvidos! Alégranos que hoxe esteades connosco.",
    "hi": "स्वागत है! हमें खुशी है कि आज आप हमारे साथ हैं।",
    "it": "Benvenuti! Siamo lieti di avervi con noi oggi.",
    "ja": "ようこそ！本日はご参加いただき、ありがとうございます。",
    "ko": "환영합니다! 오늘 함께해 주셔서 감사합니다.",
    "nl": "Welkom! Fijn dat u er vandaag bij bent.",
    "pl": "Witamy! Cieszymy się, że są Państwo dziś z nami.",
    "pt": "Bem-vindos! É bom ter vocês conosco hoje.",
    "pt-PT": "Bem-vindos! É bom tê-los connosco hoje.",
    "ro": "Bun venit! Ne bucurăm că sunteți astăzi alături de noi.",
    "ru": "Добро пожаловать! Мы рады, что вы сегодня с нами.",
    "tr": "Hoş geldiniz! Bugün bizimle olmanıza sevindik.",
    "zh": "欢迎！很高兴今天能和大家在一起。",
}
"""By language code, or by its first part for every region."""


def sample_sentence(code: str) -> str:
    """ "" for a language without one."""
    return SAMPLE_SENTENCES.get(code) or SAMPLE_SENTENCES.get(code.partition("-")[0], "")
