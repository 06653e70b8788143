"""Prompts in the names of files and folders, without what only counts or sorts images.

A name that only counts, dates, measures or sorts (0012, 2024-05-01, 512x512, chosen, val) says
nothing of that, and never passes for a prompt.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from annotate.image_import.programs.reader import FoundPrompt

FOLDER_NAMES, FILE_NAMES = "folder names", "file names"
MAX_NAME_LENGTH = 1_000
COUNTER = re.compile(r"[\W\d_]+")
"""Counter at the start of a name: 00012-77-."""
END_COUNTER = re.compile(r"[\s_\-.()#\[\]]*\d*[\s_\-.()#\[\]]*")
"""Counter at the end of a name, matched on the reversed name: _003, (2)."""
SORTED_BY = re.compile(r"\d{1,5}_|\d{4}[-_.]?\d\d[-_.]?\d\d[-_ ]+")
"""Start of a folder's name: its number of repeats (10_a red fox), or a date."""
DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d(?:[ T_-]{1,3}\d\d[-_.:h]\d\d)?(?!\d)"
)
"""Date in a name: before it stands the program, after it the prompt."""
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Midjourney's id of a job, after the prompt; before the prompt stands the user."""
WORDS = re.compile(r"[^\W\d_]+")
TOKENS = re.compile(r"[\s_=]+")
PARTS = re.compile(r"[^\W_]+")
ENCODED = re.compile(r"[0-9a-f-]{16,}", re.IGNORECASE)
MIN_CODE, LEAST_DIGITS = 6, 2
"""A word of letters and digits is an id, such as 7f3Kq92x."""
ENDINGS = ("", "s", "es", "d", "ed", "ing", "er", "ers")
VERDICTS = (
    "accept annotate approve bad best better both bottom choice choose chose chosen correct "
    "decline delete discard dislike dispreferred down downvote fail fav fave favorite favourite "
    "good high incorrect keep kept label like los lose lost low maybe medium mid minus neg "
    "negative no nok ok okay pass pick plus pos positive prefer preferred rank rate rating "
    "reject right score select skip tie top trash unlabeled unpicked unpreferred unselected up "
    "upvote vote win winn won worse worst wrong yes"
)
SPLITS = "dev eval evaluation fold holdout split test train val valid validation"
CONTAINERS = (
    "album all archive asset backup batch big category chunk class clean collection content "
    "copy count crop cropp data dataset date day dir directory done download draft dsc dscf "
    "dscn epoch exp experiment export file filter final folder full gallery gen generate "
    "generation grid group hd height highres hires id idx image img import index input item "
    "iter iteration jpeg jpg large library lowres media misc mvimg new nr num number old orig "
    "origin original other output page part pending photo photograph pic picture png preview "
    "process pxl ready reg regularization render res resize resolution result revision round "
    "run sample save screen screenshot session set shard size small sort source src stage step "
    "subset target temp temporary testset thumb thumbnail tmp todo trainset trial tuned turn "
    "uhd unsorted untitled untuned upscale valset various ver version webp width"
)
MAKERS = (
    "ancestral automatic base cfg chatgpt checkpoint ckpt comfy comfyui dall ddim dpm euler "
    "flux fooocus gemini guidance invokeai karras lcm lightning lora lr midjourney model "
    "refiner sampler scale scheduler sd sdxl seed strength swarmui telegram turbo txt unipc "
    "weight whatsapp xl"
)
TIMES = (
    "am apr april aug august century dec december feb february friday jan january jul july jun "
    "june mar march may monday month nov november oct october pm saturday sep september sunday "
    "thursday today tuesday utc wednesday week year yesterday"
)
MEASURES = "dpi fps gb hz kb mb min ms nd px rd sec st th"
COUNTED = frozenset("star stars point points like likes heart hearts shot shots".split())
"""Words that describe nothing beside a number: 5 stars."""
SIDES = (
    "artefact artifact awful beautiful curated great meh mine nice pred prediction smash terrible "
    "tier toss ugly uncurated yours "
    "aesthetic after baseline before control desktop dpo edited edit fake finetune first "
    "grpo hq labelled left lq nsfw ours ppo policy raw real ref reference rlhf second sft sfw "
    "theirs third treatment unaesthetic unlabelled"
)
"""Names of folders that compare two kinds of images, or say where images were kept."""
APPS = (
    "adobe canva clipboard comfy express faceapp firefly fooocus forge freepik gopr gopro dji "
    "hidream hunyuan ideogram imagen inshot kandinsky kling krita leonardo lightroom lv nai "
    "novelai photoshop picsart pixart playground qwen recraft runway scan scanned sdnext "
    "seedream sora swarm ashampoo wan kép "
    "copilot facebook fb grok hf imessage instagram messenger mp nef cr dng arw out pasted pxl "
    "received signal snapchat snap tiktok twitter unknown unnamed viber wa wechat microsoft"
)
ELSEWHERE = (
    "aprobado rechazado gagnant perdant gewinner verlierer 選択 却下 选中 拒绝 当たり ハズレ "
    "gut gute schlecht schlechte gewählt abgelehnt besser schlechter bon bons bonne mauvais "
    "mauvaise choisi rejeté bien mal bueno buenos malo malos mejor peor elegido rechazado "
    "buono buoni cattivo bom ruim хорошо хорошие плохо плохие 好 坏 差 好的 坏的 良 悪 良い "
    "悪い 좋음 나쁨 bild bilder foto fotos imagen imagenes imágenes immagine immagini imagem "
    "imagens afbeelding afbeeldingen obraz obrazy zdjęcie zdjęcia фото изображение "
    "изображения 画像 写真 图片 照片 圖片 相片 사진 이미지 微信图片 bildschirmfoto capture "
    "captura pantalla écran tela schermata schermafbeelding zrzut ekranu skärmbild снимок "
    "экрана скриншот スクリーンショット 屏幕截图 截屏 截图 螢幕擷取畫面 스크린샷 ekran "
    "görüntüsü unbenannt ohne titel título titulo titre titolo sem sin sans senza безымянный "
    "无标题 未命名 名称未設定"
)
"""The most frequent of these words in other languages."""
BETWEEN = "um om de da do del à a la le el di vom von kl"
LINKS = "an and are at by for from in is my non not of on or our the to versus vs with without"
SAYS_NOTHING = frozenset(
    " ".join((VERDICTS, SPLITS, CONTAINERS, MAKERS, TIMES, MEASURES, SIDES, LINKS)).split()
)
"""Words that, alone, say how images were judged, split, stored, made, dated or measured."""
AS_THEY_ARE = frozenset(" ".join((APPS, ELSEWHERE, BETWEEN)).split())
"""The same words, never taken with English endings: deer is no form of the Spanish de."""
PLACES = frozenset(("camera roll", "saved pictures", "saved images", "ground truth", "gt"))


JUDGED = frozenset(
    "chosen rejected preferred dispreferred unpreferred nonpreferred winner winners winning loser "
    "losers losing win wins lose loses upvoted downvoted".split()
)
"""Verdicts on images: in a short name, one of them as first or last word is enough."""
FEW_WORDS = 3
MOMENT = re.compile(
    r"[^\d]{1,60}(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d[^\d]{0,4}\d\d[-_.:h]?\d\d(?:[\d\W_].*)?",
    re.DOTALL,
)
"""A word and a time to the minute, as apps and devices name the files they save."""
PASSING = re.compile(r"ComfyUI_temp_[a-z]{5}_")
"""Prefix that ComfyUI gives to temporary files."""


def prompt_of_name(image: Path, root: Path, roles: Collection[Path] = ()) -> FoundPrompt | None:
    """Return the prompt in the name of an image or of its folders; None without one.

    `roles` are folders that only sort, whatever they are called. The nearest folder that says
    something is believed; below one that only sorts, a name of several words goes first.
    """
    own = _told(of_file(image.stem), FILE_NAMES)
    for folder in image.parents:
        if folder == root or not folder.is_relative_to(root):
            break
        text = "" if folder in roles else of_folder(folder.name)
        if text:
            return _told(text, FOLDER_NAMES)
        if own is not None and len(spoken(own.text)) > 1:
            break
    return own


def sorting_folders(images: Iterable[Path]) -> set[Path]:
    """Return the folders that only sort images, detected by their contents in any language.

    Such a folder holds the names that its neighbours hold (good/a red fox.png, bad/a red fox.png),
    or has its own name again below other prompts (a red fox/good, a dog/good).
    """
    held: dict[Path, set[str]] = defaultdict(set)
    for image in images:
        # A mere number says nothing, and checking it first is fast.
        held[image.parent].add("" if image.stem.isdigit() else of_file(image.stem).casefold())
    shared = Counter((folder.parent, name) for folder, names in held.items() for name in names)
    again: dict[str, list[Path]] = defaultdict(list)
    roles = set()
    for folder, names in held.items():
        twins = [n for n in names if len(spoken(n)) > 1 and shared[folder.parent, n] > 1]
        if 2 * len(twins) >= len(names) and twins:
            roles.add(folder)
        if len(spoken(folder.name)) == 1 and len(spoken(folder.parent.name)) > 1:
            again[folder.name.casefold()].append(folder)
    return roles.union(*(folders for folders in again.values() if len(folders) > 1))


def of_folder(name: str) -> str:
    """Return the prompt in the name of a folder; empty for a name that only sorts images."""
    name = name[:MAX_NAME_LENGTH]
    words = WORDS.findall(name.lower())
    if " ".join(words) in PLACES:
        return ""
    if len(words) <= FEW_WORDS and JUDGED.intersection((*words[:1], *words[-1:])):
        return ""
    start = SORTED_BY.match(name)
    return _speaking(name[start.end() :] if start else name)


def of_file(name: str) -> str:
    """Return the prompt in the name of a file, without numbers, dates and codes."""
    name = PASSING.sub("", name[:MAX_NAME_LENGTH])
    if MOMENT.fullmatch(name) and len(spoken(name)) < 2:
        return ""
    words = without_counters(_after_the_date(_asked_of_midjourney(name[:MAX_NAME_LENGTH])))
    while (parts := PARTS.findall(words)) and (code := _code_at_an_end(parts)):
        words = without_counters(words.replace(code, " ", 1))
    return _speaking(_without_measures(words))


def _without_measures(name: str) -> str:
    """Return a name without the settings at its ends, such as seed_42 or cfg 7."""
    tokens = [token for token in TOKENS.split(name) if token]
    speaking = [place for place, token in enumerate(tokens) if spoken(token)]
    if not speaking:
        return name
    numbers = [place for place, token in enumerate(tokens) if any(map(str.isdigit, token))]
    start = max((place + 1 for place in numbers if place < speaking[0]), default=0)
    measured = any(place > speaking[-1] for place in numbers)
    end = speaking[-1] + 1 if measured else len(tokens)
    return " ".join(tokens[start:end]) if start or measured else name


def _asked_of_midjourney(name: str) -> str:
    code = UUID.search(name)
    asked = code and name[: code.start()].rstrip("_")
    if not asked or asked.count("_") < 2:
        return UUID.sub(" ", name)
    return asked.partition("_")[2]


def _after_the_date(name: str) -> str:
    date = DATE.search(name)
    after = without_counters(name[date.end() :]) if date else ""
    return after if len(spoken(after)) > 1 else DATE.sub(" ", name)


def without_counters(name: str) -> str:
    """Return a name without the counters at its start and end."""
    name = name[:MAX_NAME_LENGTH]
    start, end = COUNTER.match(name), END_COUNTER.match(name[::-1])
    return name[start.end() if start else 0 : len(name) - (end.end() if end else 0)]


def spoken(name: str) -> list[str]:
    """Return the words of a name that may describe an image."""
    words = WORDS.findall(name[:MAX_NAME_LENGTH].lower())
    counted = COUNTED if any(letter.isdigit() for letter in name[:MAX_NAME_LENGTH]) else ()
    return [word for word in words if _says(word) and word not in counted]


def _speaking(name: str) -> str:
    words = " ".join(name.replace("_", " ").split()).strip(" -.")
    if " " not in words and words.count("-") > 1:
        # A name as in URLs: a-red-fox.
        words = words.replace("-", " ")
    encoded = ENCODED.fullmatch(words.replace(" ", ""))
    plain = [part for part in PARTS.findall(words) if not _is_code(part)]
    return words if spoken(" ".join(plain)) and not encoded else ""


def _says(word: str) -> bool:
    """Return whether a word may describe an image; single letters do only where they are words."""
    if len(word) == 1 and word.isascii():
        return False
    if word in AS_THEY_ARE:
        return False
    return not any(word.endswith(e) and word[: len(word) - len(e)] in SAYS_NOTHING for e in ENDINGS)


def _code_at_an_end(parts: list[str]) -> str | None:
    return next((part for part in (parts[0], parts[-1]) if _is_code(part)), None)


def _is_code(part: str) -> bool:
    digits = sum(letter.isdigit() for letter in part)
    return len(part) >= MIN_CODE and LEAST_DIGITS <= digits < len(part)


def _told(text: str, source: str) -> FoundPrompt | None:
    return FoundPrompt(text, text, source) if text else None
